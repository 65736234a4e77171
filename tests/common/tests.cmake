# Tests of common/ that are more than a folder's unit tests.

# Bytes per reading on recorded real counters.
add_executable(test_codec_bench ${PROJECT_SOURCE_DIR}/tests/bench/codec_bench.cpp)
target_link_libraries(test_codec_bench PRIVATE gerbang_wire)
add_test(NAME codec_size
    COMMAND test_codec_bench ${PROJECT_SOURCE_DIR}/tests/bench/recorded/counters.txt)
