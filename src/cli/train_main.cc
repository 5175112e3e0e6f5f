// `melete-train`: training, with libtorch.
#include "cli/program.h"

int main(int argc, char** argv) {
  return melete::run_program({"melete-train", "Train a small multimodal reasoning model from scratch"}, argc,
                             argv);
}
