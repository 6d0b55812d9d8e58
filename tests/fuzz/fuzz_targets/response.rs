#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| f3dx_cache_fuzz::response::run(data));
