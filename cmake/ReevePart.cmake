# reeve_part(NAME SOURCES file... [LINK library...])
#
# One part of the house: an object library of src/NAME, compiled with the include paths
# include/ and src/, which joins reeve_core. LINK names what the part's sources need;
# third-party libraries stay private to the part.
function(reeve_part name)
  cmake_parse_arguments(PARSE_ARGV 1 part "" "" "SOURCES;LINK")
  add_library(reeve_${name} OBJECT ${part_SOURCES})
  set_target_properties(reeve_${name} PROPERTIES
    UNITY_BUILD ${REEVE_UNITY} UNITY_BUILD_BATCH_SIZE 12)
  target_include_directories(reeve_${name}
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(reeve_${name}
    PUBLIC tl::expected
    PRIVATE reeve_compiler Threads::Threads ${part_LINK})
  target_link_libraries(reeve_core
    PRIVATE $<BUILD_INTERFACE:reeve_${name}>
    INTERFACE $<BUILD_INTERFACE:${part_LINK}>)
endfunction()

# reeve_tests(NAME LEVEL unit|contract|component [TOGETHER] SOURCES file... [LINK library...])
#
# The tests of one part: an executable test_NAME whose Catch2 cases become ctest tests
# labelled with their level. TOGETHER: one ctest test runs all cases in one process, for those
# that share something dear.
function(reeve_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 tests "TOGETHER" "LEVEL" "SOURCES;LINK")
  add_executable(test_${name} ${tests_SOURCES})
  set_target_properties(test_${name} PROPERTIES
    UNITY_BUILD ${REEVE_UNITY} UNITY_BUILD_BATCH_SIZE 6)
  target_include_directories(test_${name}
    PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(test_${name}
    PRIVATE reeve_compiler reeve_test_support reeve_core Catch2::Catch2WithMain ${tests_LINK})
  set(timeout 300)
  if(tests_TOGETHER)
    add_test(NAME "${name}: all cases" COMMAND test_${name})
    set_tests_properties("${name}: all cases" PROPERTIES LABELS "${tests_LEVEL}" TIMEOUT 600)
    return()
  endif()
  catch_discover_tests(test_${name}
    TEST_PREFIX "${name}: "
    DL_PATHS ""
    PROPERTIES LABELS "${tests_LEVEL}" TIMEOUT ${timeout} SKIP_REGULAR_EXPRESSION "skipped:")
endfunction()
