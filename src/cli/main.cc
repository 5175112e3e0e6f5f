// `melete`: ask, chat, evaluate, inspect. Links no libtorch, so that it starts in milliseconds.
#include "cli/program.h"

int main(int argc, char** argv) {
  return melete::run_program({"melete", "A small multimodal reasoning model on your own machine"}, argc,
                             argv);
}
