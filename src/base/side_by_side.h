// Two independent pieces of work at a time.
#pragma once

#include <future>
#include <utility>

namespace melete {

// Calls beside() on another thread and here() on the caller's; both have ended when it returns {here's
// result, beside's result}. What here() frees is used again by the thread that goes on, so the piece that
// leaves more garbage belongs there.
template <class Here, class Beside>
auto side_by_side(Here&& here, Beside&& beside) {
  auto other = std::async(std::launch::async, std::forward<Beside>(beside));
  auto first = std::forward<Here>(here)();
  return std::pair(std::move(first), other.get());
}

}  // namespace melete
