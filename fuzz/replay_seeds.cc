// A main for a fuzz target that is built without libFuzzer: gives it each file of the folders named, so that
// the tests hold every target to what was once found and notice when one no longer compiles.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  std::vector<fs::path> seeds;
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : fs::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file()) seeds.push_back(entry.path());
  std::sort(seeds.begin(), seeds.end());
  if (seeds.empty()) {
    std::fprintf(stderr, "usage: %s FOLDER...; no file is in the folders given\n", argv[0]);
    return 2;
  }
  for (const fs::path& seed : seeds) {
    std::fprintf(stderr, "%s\n", seed.c_str());  // the last line of a crash names its input
    std::ifstream file(seed, std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
}
