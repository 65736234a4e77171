# How tests are made: one executable per folder of the product (test_<folder>), one Catch2 main.

# Built only when a test links it.
add_library(gerbang_test_main STATIC EXCLUDE_FROM_ALL tests/support/test_main.cpp)
target_include_directories(gerbang_test_main PUBLIC ${PROJECT_SOURCE_DIR})
target_compile_definitions(gerbang_test_main PUBLIC CATCH_CONFIG_FAST_COMPILE
    GERBANG_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_link_libraries(gerbang_test_main PUBLIC gerbang_core)

set(GERBANG_TEST_TIMEOUT 1800 CACHE STRING "Seconds a test may take; tests/run.sh --long raises it")

# gerbang_test(name sources...): the executable test_<name>, run by ctest as <name>.
function(gerbang_test name)
    add_executable(test_${name} ${ARGN})
    target_link_libraries(test_${name} PRIVATE gerbang_test_main)
    add_test(NAME ${name} COMMAND test_${name})
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77
        TIMEOUT ${GERBANG_TEST_TIMEOUT})
    if(GERBANG_SANITIZE AND name MATCHES "^e2e")
        # They drive the programs as shipped; the sanitizer run leaves them out.
        set_target_properties(test_${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endfunction()

# Tests that need more than their own folder: called after all libraries exist.
function(gerbang_more_tests)
    file(GLOB parts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/tests.cmake)
    foreach(part ${parts})
        include(${part})
    endforeach()
    if(GERBANG_SANITIZE)
        gerbang_cheap_test_code()
    endif()
endfunction()

# The code under test carries every sanitizer; that of the tests themselves, mostly Catch's macros,
# only what it needs to see the same memory. It compiles six times faster so (22 s to 3.4 s for
# tests/daemon/ledger/ledger_test.cpp).
function(gerbang_cheap_test_code)
    get_property(targets DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target ${targets})
        get_target_property(type ${target} TYPE)
        if(NOT type MATCHES "EXECUTABLE|STATIC_LIBRARY")
            continue()
        endif()
        get_target_property(sources ${target} SOURCES)
        if(sources MATCHES "tests/")
            target_compile_options(${target} PRIVATE -O0 -fno-sanitize=undefined)
        endif()
    endforeach()
endfunction()

# One libFuzzer executable per tests/fuzz/fuzz_<name>.cpp; `// needs: a b daemon/c/d.cpp` in its
# first line names the folders it links, and single files of those it does without.
function(gerbang_fuzzers)
    add_custom_target(fuzzers)
    file(GLOB harnesses CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.cpp)
    foreach(harness ${harnesses})
        get_filename_component(name ${harness} NAME_WE)
        file(STRINGS ${harness} first LIMIT_COUNT 1)
        string(REGEX REPLACE "^// needs: *" "" needs "${first}")
        string(REPLACE " " ";" needs "${needs}")
        set(files ${needs})
        list(FILTER files INCLUDE REGEX "/")
        list(TRANSFORM files PREPEND ${PROJECT_SOURCE_DIR}/)
        list(FILTER needs EXCLUDE REGEX "/")
        list(TRANSFORM needs PREPEND gerbang_)
        add_executable(${name} ${harness} ${files})
        target_link_libraries(${name} PRIVATE ${needs})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        add_dependencies(fuzzers ${name})
    endforeach()
endfunction()
