//! Leaves the symbols of Node-API to be found in the process that loads the library.

fn main() {
    napi_build::setup();
}
