# generated/build_info.cc holds the version and the commit. It is refreshed at every build and rewritten only when the
# commit changed. Run with -P it writes the file; included it declares how.
if(CMAKE_SCRIPT_MODE_FILE)
  # No optional locks: this must never disturb a git command that runs at the same time.
  execute_process(COMMAND git --no-optional-locks describe --always --dirty --exclude=*
    WORKING_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE commit ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT commit)
    set(commit unknown)
  endif()
  file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#include "base/build_info.h"

namespace melete {

const char* build_version() { return "@VERSION@"; }
const char* build_commit() { return "@commit@"; }

}  // namespace melete
]])
  return()
endif()

add_custom_target(build_info_commit BYPRODUCTS ${CMAKE_BINARY_DIR}/generated/build_info.cc
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DVERSION=${PROJECT_VERSION}
    -DOUTPUT=${CMAKE_BINARY_DIR}/generated/build_info.cc -P ${CMAKE_CURRENT_LIST_FILE}
  COMMENT "")
set_source_files_properties(${CMAKE_BINARY_DIR}/generated/build_info.cc PROPERTIES GENERATED ON)
