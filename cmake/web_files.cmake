# generated/web_files.cc holds the files of web/dist, which `./dev web` builds: included as they are by the assembler, since
# a compiler would take long over them.
file(GLOB web_files RELATIVE ${CMAKE_SOURCE_DIR}/web/dist CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/web/dist/*.html.gz ${CMAKE_SOURCE_DIR}/web/dist/*.js.gz ${CMAKE_SOURCE_DIR}/web/dist/assets/*)
set(web_assembly "")
set(web_symbols "")
set(web_rows "")
set(web_paths "")
set(web_index 0)
foreach(file ${web_files})
  set(path ${CMAKE_SOURCE_DIR}/web/dist/${file})
  list(APPEND web_paths ${path})
  string(REGEX REPLACE "\\.gz$" "" name ${file})
  set(is_gzip false)
  if(NOT name STREQUAL file)
    set(is_gzip true)
  endif()
  string(APPEND web_assembly
    "    \"melete_web_${web_index}: .incbin \\\"${path}\\\"\\nmelete_web_${web_index}_end: .byte 0\\n\"\n")
  string(APPEND web_symbols "extern \"C\" HIDDEN const char melete_web_${web_index}[], melete_web_${web_index}_end[];\n")
  string(APPEND web_rows "      {\"${name}\", between(melete_web_${web_index}, melete_web_${web_index}_end), ${is_gzip}},\n")
  math(EXPR web_index "${web_index} + 1")
endforeach()
if(web_index EQUAL 0)
  message(FATAL_ERROR "web/dist is empty; `./dev web` builds the app, or take it from the repository")
endif()
set(web_source ${CMAKE_BINARY_DIR}/generated/web_files.cc)
file(CONFIGURE OUTPUT ${web_source} @ONLY CONTENT [[
#include "server/app/web_files.h"

#include <array>

#define HIDDEN __attribute__((visibility("hidden")))

asm(".pushsection .rodata\n"
@web_assembly@    ".popsection\n");

@web_symbols@
namespace melete {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<size_t>(end - begin)}; }

}  // namespace

std::span<const WebFile> web_files() {
  static const std::array<WebFile, @web_index@> kFiles = {{
@web_rows@  }};
  return kFiles;
}

}  // namespace melete
]])
target_sources(melete_server PRIVATE ${web_source})
set_source_files_properties(${web_source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON OBJECT_DEPENDS "${web_paths}")
