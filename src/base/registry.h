// Registry<T>: plug-ins (tasks, tools, modes, families, graders) that register themselves by name.
//
// A plug-in file ends with MELETE_REGISTER_TASK(...) or its like, which makes a static Registration. Rooms
// with plug-ins are OBJECT libraries, since a linker drops unreferenced files of static ones. Filled before
// main(), read-only afterwards, so no lock is needed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"

namespace melete {

template <class T>
class Registry {
 public:
  using Factory = std::function<std::unique_ptr<T>()>;

  static Registry& instance() {
    static Registry registry;
    return registry;
  }

  void add(const std::string& name, Factory factory) {
    MELETE_CHECK(factories_.emplace(name, std::move(factory)).second, "registered twice: ", name);
  }

  // Sorted by name.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, unused] : factories_) names.push_back(name);
    return names;
  }

  // Null if there is no such plug-in.
  std::unique_ptr<T> make(const std::string& name) const {
    const auto found = factories_.find(name);
    return found == factories_.end() ? nullptr : found->second();
  }

 private:
  std::map<std::string, Factory> factories_;
};

template <class T>
struct Registration {
  template <class Factory>
  Registration(const char* name, Factory factory) {
    Registry<T>::instance().add(name, std::move(factory));
  }
};

}  // namespace melete
