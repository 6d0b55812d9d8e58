//! The entry points of the C API: any calls in any order, with any bytes, lengths,
//! enum values and NULLs that its header allows or calls a mistake.

use super::input::Input;
use super::response::folder;
use f3dx_cache_edge::buffer::{f3dx_cache_buffer, f3dx_cache_buffer_free};
use f3dx_cache_edge::cache::*;
use f3dx_cache_edge::claim::*;
use f3dx_cache_edge::entries::*;
use f3dx_cache_edge::error::*;
use f3dx_cache_edge::exchange::*;
use f3dx_cache_edge::fingerprint::*;
use f3dx_cache_edge::http::*;
use f3dx_cache_edge::iter::*;
use f3dx_cache_edge::options::*;
use f3dx_cache_edge::report::*;
use f3dx_cache_edge::status::f3dx_cache_status as Status;
use f3dx_cache_edge::verify::*;
use f3dx_cache_edge::version::*;
use std::ffi::{CStr, CString, c_char};
use std::mem::{MaybeUninit, size_of};
use std::ptr::{null, null_mut};
use tempfile::TempDir;

/// Makes the calls that `data` names, and checks what the header promises of each.
pub fn run(data: &[u8]) {
    let mut caller = Caller::new(Input::new(data));
    for _ in 0..24 {
        if caller.input.is_empty() {
            break;
        }
        caller.call();
    }
}

/// A program in C: what it holds, and what it reads its arguments from.
struct Caller<'a> {
    input: Input<'a>,
    folder: Option<TempDir>,
    cache: *mut f3dx_cache,
    session: *mut f3dx_cache,
    exchange: *mut f3dx_cache_exchange,
    iter: *mut f3dx_cache_iter,
    claim: *mut f3dx_cache_claim_guard,
    fingerprint: [u8; 32],
}

/// Bytes with a length as a caller gives them, right or wrong.
#[derive(Clone, Copy)]
struct Bytes(*const u8, usize);

impl Bytes {
    fn text(self) -> *const c_char {
        self.0.cast()
    }
}

impl<'a> Caller<'a> {
    fn new(input: Input<'a>) -> Self {
        Self {
            input,
            folder: None,
            cache: null_mut(),
            session: null_mut(),
            exchange: null_mut(),
            iter: null_mut(),
            claim: null_mut(),
            fingerprint: [7; 32],
        }
    }

    fn call(&mut self) {
        let which = self.input.byte();
        let a = self.bytes();
        let mut out = Outputs::new();
        let handle = self.handle();
        let fingerprint = if which & 0x80 == 0 { self.fingerprint.as_ptr() } else { null() };
        let err = &raw mut out.err;
        let (one, two) = (out.one.as_mut_ptr(), out.two.as_mut_ptr());
        // SAFETY: what is not NULL lives until the call returns, and has the length it
        // is given with, or one that the header calls a mistake; handles are of this
        // library and not freed.
        let status = unsafe {
            match which & 0x3f {
                0 => self.open(a, &mut out),
                1 => f3dx_cache_canonicalize(a.text(), a.1, one, err),
                2 => {
                    let mut hash = [0xa5; 32];
                    let status =
                        f3dx_cache_fingerprint(handle, a.text(), a.1, hash.as_mut_ptr(), err);
                    if status == Status::Ok {
                        self.fingerprint = hash;
                    } else {
                        assert_eq!(hash, [0; 32], "a failure empties what it gives");
                    }
                    status
                }
                3 => {
                    let (b, c) = (self.bytes(), self.bytes());
                    let out = self.fingerprint.as_mut_ptr();
                    f3dx_cache_put(handle, a.text(), a.1, b.0.cast(), b.1, c.text(), c.1, out, err)
                }
                4 => f3dx_cache_get(handle, fingerprint, one, err),
                5 => f3dx_cache_peek(handle, fingerprint, one, err),
                6 => f3dx_cache_lookup(handle, a.text(), a.1, one, err),
                7 => f3dx_cache_contains(handle, fingerprint, err),
                8 => f3dx_cache_delete(handle, fingerprint, err),
                9 => f3dx_cache_get_meta(handle, fingerprint, one, err),
                10 => f3dx_cache_get_request(handle, fingerprint, one, err),
                11 => f3dx_cache_explain_miss(handle, a.text(), a.1, one, err),
                12 => self.intercept(a, handle, &mut out),
                13 => f3dx_cache_http_get(handle, fingerprint, one, two, err),
                14 => f3dx_cache_exchange_claim(self.exchange, 3, one, two, err),
                15 => {
                    let status = u32::from(self.input.byte()) << 2;
                    f3dx_cache_exchange_head(self.exchange, status, a.text(), a.1, err)
                }
                16 => f3dx_cache_exchange_chunk(self.exchange, a.0.cast(), a.1, err),
                17 => {
                    let end = u32::from(self.input.byte()) % 5;
                    f3dx_cache_exchange_finish(self.exchange, end, err)
                }
                18 => f3dx_cache_exchange_records(self.exchange, err),
                19 => {
                    f3dx_cache_claim_free(std::mem::replace(&mut self.claim, null_mut()));
                    let holder = u64::from(self.input.byte() % 3);
                    let claim = &raw mut self.claim;
                    f3dx_cache_claim(handle, fingerprint, holder, 1, claim, err)
                }
                20 => {
                    f3dx_cache_iter_free(std::mem::replace(&mut self.iter, null_mut()));
                    f3dx_cache_iter_new(handle, &raw mut self.iter, err)
                }
                21 => f3dx_cache_iter_next(self.iter, self.fingerprint.as_mut_ptr(), one, err),
                22 => {
                    f3dx_cache_close(std::mem::replace(&mut self.session, null_mut()));
                    let (b, to) = (self.bytes(), &raw mut self.session);
                    f3dx_cache_session(self.cache, a.text(), a.1, b.text(), b.1, to, err)
                }
                23 => f3dx_cache_get_summary(handle, one, err),
                24 => f3dx_cache_get_settings(handle, one, err),
                25 => f3dx_cache_get_refused_misses(handle, one, err),
                26 => f3dx_cache_get_warnings(handle, one, err),
                27 => stats(handle, usize::from(self.input.byte()), err),
                28 => {
                    let out = self.fingerprint.as_mut_ptr();
                    f3dx_cache_fingerprint_from_hex(a.text(), a.1, out, err)
                }
                29 => f3dx_cache_flush(handle, err),
                30 => f3dx_cache_release_snapshot(handle, err),
                32 | 33 => self.verify(which & 1 == 1, &mut out),
                _ => {
                    self.small();
                    Status::Ok
                }
            }
        };
        let gives = matches!(which & 0x3f, 1 | 4..=6 | 9..=14 | 21 | 23..=26 | 32 | 33);
        out.check(status, gives);
    }

    /// Opens a cache of its own, with any options.
    unsafe fn open(&mut self, json: Bytes, out: &mut Outputs) -> Status {
        self.close();
        let folder = self.folder.get_or_insert_with(folder);
        let path = folder.path().join("cache.redb");
        let path = CString::new(path.into_os_string().into_encoded_bytes()).expect("no NUL");
        let (mode, flags) = (self.input.byte(), self.input.byte());
        let ignore = self.input.field();
        let text = |bytes: &[u8]| CString::new(bytes.split(|b| *b == 0).next().unwrap_or_default());
        let ignore = text(ignore).expect("it was cut at a NUL");
        let json = match json.0.is_null() || json.1 > isize::MAX as usize {
            true => &[][..],
            // SAFETY: it lives until the call returns, and its length is right.
            false => unsafe { std::slice::from_raw_parts(json.0, json.1) },
        };
        let json = text(json).expect("it was cut at a NUL");
        // Room behind the struct, as a newer caller has: for every size that is believed.
        let mut room = [const { MaybeUninit::<f3dx_cache_options>::zeroed() }; 120];
        // SAFETY: the room is as large as the struct is said to be.
        unsafe {
            let size = size_of::<f3dx_cache_options>();
            assert_eq!(f3dx_cache_options_init(room[0].as_mut_ptr(), size), Status::Ok);
            let options = room[0].assume_init_mut();
            // No mode that reads the environment's configuration file.
            options.mode = u32::from(mode % 8).min(5) + u32::from(mode > 250) * 90;
            options.lock_timeout_ms = 2_000;
            if flags & 1 == 1 {
                options.options_json = json.as_ptr();
            }
            if flags & 2 == 2 {
                options.ignore_paths = ignore.as_ptr();
            }
            if flags & 4 == 4 {
                options.max_bytes = u64::from(flags) << 12;
            }
            if flags > 250 {
                options.struct_size = usize::from(mode) * 20;
                room[2].as_mut_ptr().cast::<u8>().write(flags - 251);
            }
            let given = if flags == 8 { null() } else { room[0].as_ptr() };
            let path = if flags == 16 { null() } else { path.as_ptr() };
            f3dx_cache_open(path, given, &raw mut self.cache, &raw mut out.err)
        }
    }

    /// Verifies the file, or recovers what is intact: nothing of it is damaged.
    unsafe fn verify(&mut self, recovers: bool, out: &mut Outputs) -> Status {
        let folder = self.folder.get_or_insert_with(folder);
        let path = |name| {
            let path = folder.path().join(name).into_os_string().into_encoded_bytes();
            CString::new(path).expect("no NUL")
        };
        let (file, new) = (path("cache.redb"), path("new.redb"));
        let mut flaws = u64::MAX;
        // SAFETY: as in `call`.
        unsafe {
            let (one, err) = (out.one.as_mut_ptr(), &raw mut out.err);
            if recovers {
                return f3dx_cache_recover(file.as_ptr(), new.as_ptr(), one, err);
            }
            let status = f3dx_cache_verify(file.as_ptr(), &raw mut flaws, one, err);
            assert_eq!(flaws, 0, "what only this library wrote has no flaws");
            status
        }
    }

    unsafe fn intercept(&mut self, a: Bytes, handle: *mut f3dx_cache, out: &mut Outputs) -> Status {
        let (url, headers, body) = (self.bytes(), self.bytes(), self.bytes());
        // SAFETY: as in `call`.
        unsafe {
            f3dx_cache_exchange_free(std::mem::replace(&mut self.exchange, null_mut()));
            let status = f3dx_cache_http_intercept(
                handle,
                a.text(),
                a.1,
                url.text(),
                url.1,
                headers.text(),
                headers.1,
                body.0.cast(),
                body.1,
                out.one.as_mut_ptr(),
                out.two.as_mut_ptr(),
                &raw mut self.exchange,
                &raw mut out.err,
            );
            assert_eq!(self.exchange.is_null(), status != Status::Miss);
            status
        }
    }

    /// Functions without a status.
    fn small(&mut self) {
        let status = i32::from(self.input.byte()) - 128;
        let mut hex = [0x5a; F3DX_CACHE_FINGERPRINT_HEX_LEN];
        // SAFETY: what is not NULL is long enough.
        unsafe {
            assert!(!CStr::from_ptr(f3dx_cache_status_name(status)).is_empty());
            assert!(!CStr::from_ptr(f3dx_cache_version()).is_empty());
            f3dx_cache_fingerprint_to_hex(self.fingerprint.as_ptr(), hex.as_mut_ptr());
            assert_eq!(CStr::from_ptr(hex.as_ptr()).count_bytes(), 64);
            f3dx_cache_fingerprint_to_hex(null(), hex.as_mut_ptr());
            assert_eq!(hex[0], 0);
            f3dx_cache_fingerprint_to_hex(null(), null_mut());
            f3dx_cache_error_free(null_mut());
            assert_eq!(f3dx_cache_error_status(null()), Status::Ok);
            f3dx_cache_buffer_free(null_mut());
            let mut options = [0_u8; 64];
            let size = usize::from(self.input.byte()) % options.len();
            let options = options.as_mut_ptr().cast::<f3dx_cache_options>();
            if options.is_aligned() {
                let right = size >= size_of::<f3dx_cache_options>();
                assert_eq!(f3dx_cache_options_init(options, size) == Status::Ok, right);
            }
            if status == 0 {
                let (mut ms, mut bytes) = (1, 1);
                let records = f3dx_cache_exchange_drain_bounds(
                    self.exchange,
                    &raw mut ms,
                    &raw mut bytes,
                    null_mut(),
                );
                assert_eq!(records == Status::Ok, !self.exchange.is_null());
                assert_eq!((ms > 0, bytes > 0), (records == Status::Ok, records == Status::Ok));
            }
        }
    }

    /// Returns an argument: mostly a field, sometimes NULL, and wrong lengths with it.
    fn bytes(&mut self) -> Bytes {
        let field = self.input.field();
        match field {
            b"\x01" => Bytes(null(), 0),
            b"\x02" => Bytes(null(), 3),
            b"\x03" => Bytes(field.as_ptr(), usize::MAX - 7),
            b"\x04" => Bytes(null(), usize::MAX),
            field => Bytes(field.as_ptr(), field.len()),
        }
    }

    /// Returns the cache, the session on it, or NULL.
    fn handle(&mut self) -> *mut f3dx_cache {
        match self.input.byte() {
            b'N' => null_mut(),
            b'S' => self.session,
            _ => self.cache,
        }
    }

    /// Releases everything, in the order of a byte.
    fn close(&mut self) {
        let order = self.input.byte();
        // SAFETY: each is of this library, and is forgotten here.
        unsafe {
            if order & 1 == 0 {
                f3dx_cache_close(std::mem::replace(&mut self.cache, null_mut()));
            }
            f3dx_cache_claim_free(std::mem::replace(&mut self.claim, null_mut()));
            f3dx_cache_iter_free(std::mem::replace(&mut self.iter, null_mut()));
            f3dx_cache_close(std::mem::replace(&mut self.session, null_mut()));
            f3dx_cache_exchange_free(std::mem::replace(&mut self.exchange, null_mut()));
            f3dx_cache_close(std::mem::replace(&mut self.cache, null_mut()));
        }
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Out-parameters as a caller of C may leave them: full of garbage.
struct Outputs {
    one: MaybeUninit<f3dx_cache_buffer>,
    two: MaybeUninit<f3dx_cache_buffer>,
    err: *mut f3dx_cache_error,
}

const GARBAGE: usize = usize::from_ne_bytes([0xa5; size_of::<usize>()]);

impl Outputs {
    fn new() -> Self {
        let garbage = || {
            let mut buffer = MaybeUninit::<f3dx_cache_buffer>::uninit();
            // SAFETY: it is valid to write.
            unsafe { buffer.as_mut_ptr().cast::<u8>().write_bytes(0xa5, size_of_val(&buffer)) };
            buffer
        };
        Self { one: garbage(), two: garbage(), err: null_mut() }
    }

    /// Checks what the header says of every call, and releases what it gave.
    fn check(&mut self, status: Status, gives: bool) {
        assert_ne!(status, Status::Panic, "{}", self.message());
        // SAFETY: the error and the buffers are the library's, or untouched garbage.
        unsafe {
            assert_eq!(self.err.is_null(), (status as i32) >= 0, "an error for a failure only");
            let error = if self.err.is_null() { Status::Ok } else { status };
            assert_eq!(f3dx_cache_error_status(self.err), error);
            assert_eq!(self.message().is_empty(), self.err.is_null());
            f3dx_cache_error_free(std::mem::replace(&mut self.err, null_mut()));
            let mut written = false;
            for buffer in [&mut self.one, &mut self.two] {
                let buffer = buffer.assume_init_mut();
                if buffer.owner as usize == GARBAGE {
                    continue;
                }
                written = true;
                if (status as i32) < 0 {
                    assert!(buffer.data.is_null() && buffer.len == 0 && buffer.owner.is_null());
                } else if !buffer.data.is_null() {
                    let read = std::slice::from_raw_parts(buffer.data, buffer.len);
                    assert_eq!(std::hint::black_box(read).len(), buffer.len);
                }
                f3dx_cache_buffer_free(buffer);
                assert!(buffer.data.is_null() && buffer.owner.is_null());
                f3dx_cache_buffer_free(buffer);
            }
            assert_eq!(written, gives, "an out-parameter is written on every return");
        }
    }

    fn message(&self) -> String {
        // SAFETY: the error is the library's, or NULL.
        unsafe { CStr::from_ptr(f3dx_cache_error_message(self.err)) }.to_string_lossy().into()
    }
}

/// Counters of a struct that says any size.
unsafe fn stats(cache: *mut f3dx_cache, size: usize, err: *mut *mut f3dx_cache_error) -> Status {
    // SAFETY: it is all zero, as long as any size a byte gives.
    unsafe {
        let mut room = [
            MaybeUninit::<f3dx_cache_stats>::zeroed().assume_init(),
            f3dx_cache_stats { struct_size: 0, ..MaybeUninit::zeroed().assume_init() },
            MaybeUninit::zeroed().assume_init(),
            MaybeUninit::zeroed().assume_init(),
        ];
        let right = size >= size_of::<f3dx_cache_stats>() && size <= size_of_val(&room);
        room[0].struct_size = if right { size } else { size.min(8) };
        let status = f3dx_cache_get_stats(cache, room.as_mut_ptr(), err);
        assert!(right || status == Status::InvalidArgument);
        status
    }
}
