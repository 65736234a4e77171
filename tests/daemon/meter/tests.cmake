# The scripted kernel, for the meter's tests and for whole-daemon tests.
add_library(gerbang_fake_kernel STATIC EXCLUDE_FROM_ALL
    ${PROJECT_SOURCE_DIR}/tests/support/fake_kernel.cpp)
target_link_libraries(gerbang_fake_kernel PUBLIC gerbang_meter)
target_link_libraries(test_meter PRIVATE gerbang_fake_kernel)
