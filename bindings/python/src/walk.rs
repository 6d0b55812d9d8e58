//! Writes a Python value as canonical JSON, without a text in between.

use crate::error;
use f3dx_cache_core::JsonErrorKind;
use f3dx_cache_core::json::{compare_keys, write_double, write_i64, write_integer, write_string};
use pyo3::exceptions::PyOverflowError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMemoryView, PySet,
    PyString, PyTuple, PyType,
};

/// As many levels as a JSON text may have.
const LEVELS: usize = 127;

/// Appends `value` in the canonical form of its JSON text.
///
/// What `json.dumps` would write is written, by value: tuples are arrays,
/// subclasses and members of enumerations are what they hold, an object with
/// `model_dump` (pydantic) is what that returns in JSON mode. Anything else is
/// not guessed at.
pub fn write(value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> Result<(), Problem> {
    Walker { out, members: Vec::with_capacity(32) }.value(value, 0).map_err(|problem| *problem)
}

/// Why a value has no canonical form.
pub struct Problem {
    what: What,
    /// From the value to the root.
    path: Vec<Step>,
}

enum What {
    /// Its text would break a rule of JSON.
    Rule(JsonErrorKind, String),
    /// JSON has no such value.
    Type(String),
    /// NaN or an infinity.
    NoNumber(f64),
    /// Code of the value's class raised.
    Raised(PyErr),
}

enum Step {
    Member(String),
    Item(usize),
}

impl Problem {
    /// Makes the exception about a request.
    pub fn into_exception(self, py: Python<'_>) -> PyErr {
        let pointer = self.pointer();
        let place = match pointer.is_empty() {
            true => String::new(),
            false => format!(" at {pointer:?}"),
        };
        let message = format!("invalid request{place}: {}", self.what.text());
        match self.what {
            What::Raised(raised) => raised,
            What::Rule(rule, _) => {
                error::invalid_value(py, "JsonError", rule.name(), &pointer, &message)
            }
            What::NoNumber(_) => {
                let rule = JsonErrorKind::Syntax.name();
                error::invalid_value(py, "JsonTypeError", rule, &pointer, &message)
            }
            What::Type(_) => {
                let rule = "unsupported_type";
                error::invalid_value(py, "JsonTypeError", rule, &pointer, &message)
            }
        }
    }

    /// Returns place and reason, for a value that is no request.
    pub fn text(&self) -> String {
        format!("{}: {}", self.pointer(), self.what.text())
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.path.iter().rev() {
            pointer.push('/');
            match step {
                Step::Member(name) => {
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                Step::Item(at) => pointer.push_str(&at.to_string()),
            }
        }
        pointer
    }
}

impl What {
    fn text(&self) -> String {
        match self {
            What::Rule(_, why) | What::Type(why) => why.clone(),
            What::NoNumber(number) => {
                let name = if number.is_nan() { "NaN" } else { "Infinity" };
                format!("{name} is not JSON; pass None, or leave it out")
            }
            What::Raised(raised) => raised.to_string(),
        }
    }
}

type Member<'py> = (PyBackedStr, Bound<'py, PyAny>);

/// Boxed, so that the results of the hot path stay small.
type Outcome = Result<(), Box<Problem>>;

struct Walker<'out, 'py> {
    out: &'out mut Vec<u8>,
    /// The members, still to be written, of the objects that are being written.
    members: Vec<Member<'py>>,
}

impl<'py> Walker<'_, 'py> {
    /// Writes a value that has `level` arrays and objects around it.
    fn value(&mut self, value: &Bound<'py, PyAny>, level: usize) -> Outcome {
        match self.exact(value, level) {
            Some(outcome) => outcome,
            None => self.other(value, level),
        }
    }

    /// Writes a value of one of the classes that `json.loads` makes, or a tuple.
    fn exact(&mut self, value: &Bound<'py, PyAny>, level: usize) -> Option<Outcome> {
        Some(if let Ok(text) = value.cast_exact::<PyString>() {
            self.string(text)
        } else if let Ok(dict) = value.cast_exact::<PyDict>() {
            self.object(dict, level + 1)
        } else if let Ok(list) = value.cast_exact::<PyList>() {
            self.list(list, level + 1)
        } else if value.is_none() {
            self.out.extend_from_slice(b"null");
            Ok(())
        } else if let Ok(truth) = value.cast_exact::<PyBool>() {
            self.out.extend_from_slice(if truth.is_true() { b"true" } else { b"false" });
            Ok(())
        } else if let Ok(int) = value.cast_exact::<PyInt>() {
            self.int(int)
        } else if let Ok(float) = value.cast_exact::<PyFloat>() {
            self.float(float)
        } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            self.tuple(tuple, level + 1)
        } else {
            return None;
        })
    }

    /// Writes a value of any other class.
    #[cold]
    fn other(&mut self, value: &Bound<'py, PyAny>, level: usize) -> Outcome {
        if let Some(outcome) = self.subclass(value, level) {
            return outcome;
        }
        let Some(held) = held_by(value)? else {
            return Err(problem(What::Type(unsupported(value))));
        };
        self.exact(&held, level)
            .or_else(|| self.subclass(&held, level))
            .unwrap_or_else(|| Err(problem(What::Type(unsupported(&held)))))
    }

    /// Writes a value of a subclass of those in [`Walker::exact`].
    fn subclass(&mut self, value: &Bound<'py, PyAny>, level: usize) -> Option<Outcome> {
        Some(if let Ok(text) = value.cast::<PyString>() {
            self.string(text)
        } else if let Ok(dict) = value.cast::<PyDict>() {
            self.object(dict, level + 1)
        } else if let Ok(list) = value.cast::<PyList>() {
            self.list(list, level + 1)
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            self.tuple(tuple, level + 1)
        } else if let Ok(int) = value.cast::<PyInt>() {
            self.int(int)
        } else if let Ok(float) = value.cast::<PyFloat>() {
            self.float(float)
        } else {
            return None;
        })
    }

    fn string(&mut self, text: &Bound<'py, PyString>) -> Outcome {
        write_string(text.to_str().map_err(lone_surrogate)?, self.out);
        Ok(())
    }

    fn int(&mut self, int: &Bound<'py, PyInt>) -> Outcome {
        match int.extract::<i64>() {
            Ok(value) => write_i64(value, self.out),
            Err(cause) if cause.is_instance_of::<PyOverflowError>(int.py()) => {
                write_integer(&decimal(int)?, self.out);
            }
            Err(cause) => return Err(problem(What::Raised(cause))),
        }
        Ok(())
    }

    fn float(&mut self, float: &Bound<'py, PyFloat>) -> Outcome {
        let value = float.value();
        write_double(value, self.out).map_err(|_| problem(What::NoNumber(value)))
    }

    fn list(&mut self, list: &Bound<'py, PyList>, level: usize) -> Outcome {
        within_bounds(level)?;
        self.out.push(b'[');
        // By index: an item's class may change the list.
        let mut at = 0;
        while let Ok(item) = list.get_item(at) {
            self.item(&item, at, level)?;
            at += 1;
            if at == list.len() {
                break;
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn tuple(&mut self, tuple: &Bound<'py, PyTuple>, level: usize) -> Outcome {
        within_bounds(level)?;
        self.out.push(b'[');
        for (at, item) in tuple.iter_borrowed().enumerate() {
            self.item(&item, at, level)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn item(&mut self, item: &Bound<'py, PyAny>, at: usize, level: usize) -> Outcome {
        if at > 0 {
            self.out.push(b',');
        }
        self.value(item, level).map_err(|problem| problem.within(|| Step::Item(at)))
    }

    fn object(&mut self, dict: &Bound<'py, PyDict>, level: usize) -> Outcome {
        within_bounds(level)?;
        let first = self.members.len();
        let mut other_keys = Vec::new();
        // Nothing of Python's runs in this loop, so the dict stays as it is.
        for (key, value) in dict.iter() {
            match key.cast_into_exact::<PyString>() {
                Ok(name) => self.members.push((backed(name)?, value)),
                Err(other) => other_keys.push((other.into_inner(), value)),
            }
        }
        let unique = other_keys.is_empty();
        for (key, value) in other_keys {
            self.members.push((backed(name_of(&key)?)?, value));
        }
        sort_descending(&mut self.members[first..]);
        if !unique {
            without_duplicates(&self.members[first..])?;
        }
        self.out.push(b'{');
        let mut comma = false;
        while self.members.len() > first {
            let Some((name, value)) = self.members.pop() else { break };
            if std::mem::replace(&mut comma, true) {
                self.out.push(b',');
            }
            write_string(&name, self.out);
            self.out.push(b':');
            self.value(&value, level)
                .map_err(|problem| problem.within(|| Step::Member(name.to_string())))?;
        }
        self.out.push(b'}');
        Ok(())
    }
}

impl Problem {
    fn within(mut self: Box<Self>, step: impl FnOnce() -> Step) -> Box<Self> {
        self.path.push(step());
        self
    }
}

fn problem(what: What) -> Box<Problem> {
    Box::new(Problem { what, path: Vec::new() })
}

fn within_bounds(level: usize) -> Outcome {
    if level <= LEVELS {
        return Ok(());
    }
    let why = format!("more than {LEVELS} levels of dicts and lists; does one hold itself?");
    Err(problem(What::Rule(JsonErrorKind::TooDeep, why)))
}

fn lone_surrogate(_: PyErr) -> Box<Problem> {
    let why = "the str holds half a surrogate pair, which has no UTF-8 form";
    problem(What::Rule(JsonErrorKind::LoneSurrogate, why.to_owned()))
}

fn backed(name: Bound<'_, PyString>) -> Result<PyBackedStr, Box<Problem>> {
    name.try_into().map_err(lone_surrogate)
}

/// Sorts members so that the first one comes last, ready to be popped.
fn sort_descending(members: &mut [Member<'_>]) {
    members.sort_unstable_by(|(a, _), (b, _)| compare_keys(b, a));
}

/// Fails on two equal names: keys of several classes may differ and read the same.
fn without_duplicates(members: &[Member<'_>]) -> Outcome {
    match members.windows(2).find(|pair| *pair[0].0 == *pair[1].0) {
        None => Ok(()),
        Some(pair) => {
            let why = format!("duplicate key {:?}", &*pair[0].0);
            Err(problem(What::Rule(JsonErrorKind::DuplicateKey, why)))
        }
    }
}

/// Returns the name that a key of a class of its own stands for.
fn name_of<'py>(key: &Bound<'py, PyAny>) -> Result<Bound<'py, PyString>, Box<Problem>> {
    if let Ok(name) = key.cast::<PyString>() {
        return Ok(name.clone());
    }
    if is_enum_member(key)? {
        let held = key.getattr(intern!(key.py(), "value")).map_err(raised)?;
        if let Ok(name) = held.cast_into::<PyString>() {
            return Ok(name);
        }
    }
    let why = format!(
        "a key is of type {}; JSON takes only str, so convert it first",
        type_name(&key.get_type())
    );
    Err(problem(What::Type(why)))
}

/// Returns the digits of an integer beyond 64 bits.
fn decimal(int: &Bound<'_, PyInt>) -> Result<String, Box<Problem>> {
    let py = int.py();
    // Of a subclass, too, the digits are wanted, not its own `__str__`.
    py.get_type::<PyInt>()
        .call_method1(intern!(py, "__repr__"), (int,))
        .and_then(|digits| digits.extract())
        .map_err(|_| {
            let why = "an integer of more digits than sys.get_int_max_str_digits() allows";
            problem(What::Rule(JsonErrorKind::NumberOutOfRange, why.to_owned()))
        })
}

/// Returns what an enumeration's member or a pydantic model holds, if it is one.
fn held_by<'py>(value: &Bound<'py, PyAny>) -> Result<Option<Bound<'py, PyAny>>, Box<Problem>> {
    let py = value.py();
    if is_enum_member(value)? {
        return value.getattr(intern!(py, "value")).map(Some).map_err(raised);
    }
    let dump = intern!(py, "model_dump");
    if value.cast::<PyType>().is_ok() || !value.get_type().hasattr(dump).map_err(raised)? {
        return Ok(None);
    }
    let arguments = PyDict::new(py);
    arguments.set_item(intern!(py, "mode"), intern!(py, "json")).map_err(raised)?;
    value.call_method(dump, (), Some(&arguments)).map(Some).map_err(raised)
}

fn is_enum_member(value: &Bound<'_, PyAny>) -> Result<bool, Box<Problem>> {
    static ENUM: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = value.py();
    let class = ENUM.import(py, "enum", "Enum").map_err(raised)?;
    value.is_instance(class).map_err(raised)
}

fn raised(cause: PyErr) -> Box<Problem> {
    problem(What::Raised(cause))
}

fn unsupported(value: &Bound<'_, PyAny>) -> String {
    let advice = if value.cast::<PyBytes>().is_ok()
        || value.cast::<PyByteArray>().is_ok()
        || value.cast::<PyMemoryView>().is_ok()
    {
        "decode it, or encode it as base64"
    } else if value.cast::<PySet>().is_ok() || value.cast::<PyFrozenSet>().is_ok() {
        "pass a sorted list"
    } else if value.get_type().hasattr(intern!(value.py(), "__dataclass_fields__")).unwrap_or(false)
    {
        "pass dataclasses.asdict of it"
    } else {
        "convert it to dict, list, str, int, float, bool or None"
    };
    format!("{} is not JSON; {advice}", type_name(&value.get_type()))
}

fn type_name(class: &Bound<'_, PyType>) -> String {
    class.fully_qualified_name().map_or_else(|_| "this".to_owned(), |name| name.to_string())
}
