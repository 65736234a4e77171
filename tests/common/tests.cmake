# Tests of common/ that are more than a folder's unit tests.

# Bytes per reading on recorded real counters.
add_executable(test_codec_bench ${PROJECT_SOURCE_DIR}/tests/bench/codec_bench.cpp)
target_link_libraries(test_codec_bench PRIVATE gerbang_wire)
add_test(NAME codec_size
    COMMAND test_codec_bench ${PROJECT_SOURCE_DIR}/tests/bench/recorded/counters.txt)

# The independent decoder, written from FORMAT.md, against ours.
add_executable(test_wire_interop ${PROJECT_SOURCE_DIR}/tests/common/wire/interop.cpp)
target_link_libraries(test_wire_interop PRIVATE gerbang_wire)
add_test(NAME wire_interop
    COMMAND test_wire_interop ${PROJECT_SOURCE_DIR}/tests/common/wire/decode.py
        ${PROJECT_SOURCE_DIR}/tests/bench/recorded/counters.txt)
set_tests_properties(wire_interop PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)
