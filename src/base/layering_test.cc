// The dependency rule: an #include "room/..." in src/ must be allowed by the rooms' rows in CMakeLists.txt,
// and only rooms with the package torch include libtorch.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "base/file.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

struct Room {
  std::string name, folder;
  std::string only;  // regex of the files of the folder that belong to it
  std::set<std::string> rooms, packages;
};

// The melete_room(...) rows. A row's words end at its closing parenthesis; quoted regexes may hold
// parentheses.
std::vector<Room> parse_rows(const std::string& cmake) {
  std::vector<Room> rooms;
  const std::string start = "\nmelete_room(";
  std::string text = "\n" + std::regex_replace(cmake, std::regex("\n +melete_room"), "\nmelete_room");
  for (size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
    std::vector<std::string> words = {""};
    bool quoted = false;
    for (size_t i = at + start.size(); i < text.size() && (quoted || text[i] != ')'); ++i) {
      if (text[i] == '"') {
        quoted = !quoted;
      } else if (!quoted && std::isspace(static_cast<unsigned char>(text[i]))) {
        if (!words.back().empty()) words.emplace_back();
      } else {
        words.back() += text[i];
      }
    }
    Room room;
    room.name = room.folder = words[0];
    std::string key;
    for (size_t i = 1; i < words.size(); ++i) {
      const std::string& word = words[i];
      const bool is_key =
          word == "ROOMS" || word == "PACKAGES" || word == "FOLDER" || word == "ONLY" || word == "EXCEPT";
      if (is_key) key = word;
      if (is_key || word.empty()) continue;
      if (key == "ROOMS") room.rooms.insert(word);
      if (key == "PACKAGES") room.packages.insert(word);
      if (key == "FOLDER") room.folder = word;
      if (key == "ONLY") room.only = word;
    }
    if (!room.only.empty()) room.only = std::regex_replace(room.only, std::regex("\\\\\\\\"), "\\");
    rooms.push_back(room);
  }
  return rooms;
}

// The last row whose folder and ONLY match `path` (relative to src/). Null if none does.
const Room* room_of(const std::vector<Room>& rooms, const std::string& path) {
  const Room* found = nullptr;
  for (const Room& room : rooms) {
    if (path.rfind(room.folder + "/", 0) != 0) continue;
    const std::string inside = path.substr(room.folder.size() + 1);
    if (room.only.empty() || std::regex_search(inside, std::regex(room.only))) found = &room;
  }
  return found;
}

// What is wrong with one file's includes; empty if nothing.
std::string broken_edges(const std::vector<Room>& rooms, const std::string& path, std::istream& source) {
  const Room* room = room_of(rooms, path);
  if (!room) return path + ": no row of CMakeLists.txt covers this file\n";
  static const std::regex include("^\\s*#\\s*include\\s*([\"<])([^\">]+)[\">].*");
  std::string problems, line;
  std::smatch match;
  while (std::getline(source, line)) {
    if (!std::regex_match(line, match, include)) continue;
    const std::string target = match[2];
    const bool torch =
        target.rfind("torch/", 0) == 0 || target.rfind("ATen/", 0) == 0 || target.rfind("c10/", 0) == 0;
    if (torch && !room->packages.count("torch"))
      problems += path + " (room " + room->name + ") may not include libtorch\n";
    if (match[1] == "<") continue;
    const Room* other = room_of(rooms, target);
    if (other && other->name != room->name && !room->rooms.count(other->name))
      problems +=
          path + " (room " + room->name + ") may not include " + target + " (room " + other->name + ")\n";
  }
  return problems;
}

std::string check(const std::string& path, const std::string& source) {
  const std::vector<Room> rooms = parse_rows(
      "melete_room(base PACKAGES fmt)\nif(X)\n  melete_room(cli ROOMS base EXCEPT \"a(b\")\nendif()\n"
      "melete_room(commands FOLDER cli ONLY \"^[^/]*_command\" ROOMS base cli task\n   PACKAGES "
      "torch)\nmelete_room(task ROOMS base)\n");
  std::istringstream in(source);
  return broken_edges(rooms, path, in);
}

TEST(Layering, FindsAForbiddenEdge) {
  EXPECT_EQ(check("task/a.cc", "#include \"base/x.h\"\n#include \"task/b.h\"\n#include <vector>\n"), "");
  EXPECT_EQ(check("base/a.h", "#include \"task/b.h\"\n"),
            "base/a.h (room base) may not include task/b.h (room task)\n");
  EXPECT_EQ(check("cli/ask_command.cc", "#include \"task/b.h\"\n#include <torch/torch.h>\n"), "");
  EXPECT_EQ(check("cli/program.cc", "#include \"task/b.h\"\n"),
            "cli/program.cc (room cli) may not include task/b.h (room task)\n");
  EXPECT_EQ(check("task/a.cc", "#include <torch/torch.h>\n"),
            "task/a.cc (room task) may not include libtorch\n");
  EXPECT_EQ(check("stray/a.cc", ""), "stray/a.cc: no row of CMakeLists.txt covers this file\n");
}

TEST(Layering, EveryIncludeIsAllowedByTheTable) {
  const fs::path root = MELETE_SOURCE_DIR;
  const auto cmake = read_file(root / "CMakeLists.txt");
  ASSERT_TRUE(cmake.ok()) << cmake.error().message;
  const std::vector<Room> rooms = parse_rows(*cmake);
  ASSERT_GE(rooms.size(), 10u);
  int64_t num_files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root / "src")) {
    const std::string extension = entry.path().extension();
    if (extension != ".cc" && extension != ".h") continue;
    std::ifstream source(entry.path());
    EXPECT_EQ(broken_edges(rooms, fs::relative(entry.path(), root / "src").string(), source), "");
    ++num_files;
  }
  EXPECT_GT(num_files, 50);
}

}  // namespace
}  // namespace melete
