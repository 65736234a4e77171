# Benches that judge ratios within one run. They share the machine with nobody.
if(TARGET gerbang)
    add_test(NAME cpu COMMAND ${PROJECT_SOURCE_DIR}/tests/bench/cpu.sh $<TARGET_FILE_DIR:gerbang>)
    set_tests_properties(cpu PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300 LABELS bench
        RUN_SERIAL TRUE)
    add_test(NAME executable_size COMMAND ${PROJECT_SOURCE_DIR}/tests/bench/size.sh
        $<TARGET_FILE:gerbang> 2097152)
    set_tests_properties(executable_size PROPERTIES LABELS bench)
endif()
