# Benches that judge ratios within one run, and the size of what is shipped.
if(TARGET gerbang)
    set(product $<TARGET_FILE_DIR:gerbang>)
    if(GERBANG_PRODUCT_DIR)
        set(product ${GERBANG_PRODUCT_DIR})
        add_test(NAME executable_size COMMAND ${PROJECT_SOURCE_DIR}/tests/bench/size.sh
            ${product}/gerbang 2000000)
        set_tests_properties(executable_size PROPERTIES LABELS bench)
    endif()
    add_test(NAME cpu COMMAND ${PROJECT_SOURCE_DIR}/tests/bench/cpu.sh ${product})
    set_tests_properties(cpu PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 480 LABELS "bench;slow"
        RUN_SERIAL TRUE)
endif()
