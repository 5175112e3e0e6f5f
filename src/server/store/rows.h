// All rows of a statement at once.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "server/store/database.h"

namespace melete {

namespace rows_detail {
template <class T>
struct value_of {
  using type = T;
};
template <class T>
struct value_of<Result<T>> {
  using type = T;
};
}  // namespace rows_detail

// What `read` makes of each row, in order; it returns a T or a Result<T>, whose first Error ends it.
template <class Read>
auto read_rows(Statement& rows, const Read& read) -> Result<
    std::vector<typename rows_detail::value_of<std::invoke_result_t<Read, const Statement&>>::type>> {
  using Made = std::invoke_result_t<Read, const Statement&>;
  using Value = typename rows_detail::value_of<Made>::type;
  std::vector<Value> values;
  while (true) {
    MELETE_ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return values;
    if constexpr (std::is_same_v<Made, Value>) {
      values.push_back(read(rows));
    } else {
      MELETE_ASSIGN_OR_RETURN(Value value, read(rows));
      values.push_back(std::move(value));
    }
  }
}

}  // namespace melete
