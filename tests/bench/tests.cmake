# Benches that judge ratios within one run, and the size of what is shipped.
if(TARGET gerbang)
    set(product $<TARGET_FILE_DIR:gerbang>)
    if(GERBANG_LTO)
        # As shipped.
        add_test(NAME executable_size COMMAND ${PROJECT_SOURCE_DIR}/tests/bench/size.sh
            ${product}/gerbang 2000000)
        set_tests_properties(executable_size PROPERTIES LABELS bench)
    endif()
    # First tick and memory beside 90 days of backlog.
    add_executable(bench_backlog_start ${PROJECT_SOURCE_DIR}/tests/bench/backlog_start.cpp)
    target_link_libraries(bench_backlog_start PRIVATE gerbang_journal)
    target_compile_definitions(bench_backlog_start PRIVATE
        GERBANG_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME backlog_start COMMAND bench_backlog_start ${product}/gerbang
        ${CMAKE_CURRENT_BINARY_DIR}/backlog_start 9 30)
    set_tests_properties(backlog_start PROPERTIES TIMEOUT 600 LABELS "bench;slow"
        RUN_SERIAL TRUE)
    # What sync costs on the wire, and how fast a drain goes.
    add_executable(bench_wire ${PROJECT_SOURCE_DIR}/tests/bench/wire.cpp)
    target_link_libraries(bench_wire PRIVATE gerbang_sync gerbang_fake_host)
    target_compile_definitions(bench_wire PRIVATE GERBANG_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME wire_cost COMMAND python3 ${PROJECT_SOURCE_DIR}/tests/bench/wire.py ${product}
        $<TARGET_FILE:bench_wire>)
    set_tests_properties(wire_cost PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 480 LABELS "bench;slow"
        RUN_SERIAL TRUE)
    add_test(NAME cpu COMMAND ${PROJECT_SOURCE_DIR}/tests/bench/cpu.sh ${product})
    set_tests_properties(cpu PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 480 LABELS "bench;slow"
        RUN_SERIAL TRUE)
endif()
