# How every target of the project is compiled: ccache when present, the warnings of the
# house, the sanitizers asked for.
find_program(REEVE_CCACHE ccache)
if(REEVE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${REEVE_CCACHE}")
endif()

# -O3, CMake's default for Release, makes the program larger and no faster.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

add_library(reeve_compiler INTERFACE)
target_compile_options(reeve_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wswitch-enum)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # When g++ 12 optimises it reports null dereferences, overlapping copies and uninitialised values
  # inside libraries.
  target_compile_options(reeve_compiler INTERFACE
    $<$<OR:$<NOT:$<CONFIG:Debug>>,$<BOOL:${REEVE_SANITIZE}>>:-Wno-null-dereference;-Wno-restrict;-Wno-maybe-uninitialized>)
endif()
if(REEVE_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # It takes what one source keeps to itself for a header's, where several are compiled as one.
  target_compile_options(reeve_compiler INTERFACE -Wno-subobject-linkage)
endif()
if(REEVE_WERROR)
  target_compile_options(reeve_compiler INTERFACE -Werror)
endif()
target_compile_definitions(reeve_compiler INTERFACE
  $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
target_compile_options(reeve_compiler INTERFACE -fstack-protector-strong)
# Release: functions that nothing calls are left out, and all symbols are resolved at the start, so
# that the table of addresses is read-only (full RELRO).
target_compile_options(reeve_compiler INTERFACE
  $<$<CONFIG:Release>:-ffunction-sections;-fdata-sections>)
target_link_options(reeve_compiler INTERFACE
  $<$<CONFIG:Release>:LINKER:--gc-sections;LINKER:-z,relro,-z,now>)

if(REEVE_SANITIZE)
  add_compile_options(-fsanitize=${REEVE_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${REEVE_SANITIZE})
  if(REEVE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang") # clang 14 cannot assemble it in a coroutine
      add_compile_options(-fno-sanitize=function)
    endif()
  endif()
endif()
if(REEVE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-tsan) # Asio's fences, which stand beside a mutex
endif()
if(REEVE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
