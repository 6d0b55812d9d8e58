//! `Row`: one recorded call.

use crate::json;
use f3dx_cache_core::trace::{Row as CoreRow, Source};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use serde_json::{Value, json};

/// One recorded call of a trace file. What a format does not tell is None, or empty.
///
/// Row(prompt=..., output=...) makes one by hand; its members are those of the attributes.
#[pyclass(module = "f3dx_cache", frozen)]
pub struct Row {
    core: CoreRow,
}

impl Row {
    pub fn new(core: CoreRow) -> Self {
        Self { core }
    }

    pub fn core(&self) -> &CoreRow {
        &self.core
    }
}

#[pymethods]
impl Row {
    #[new]
    #[pyo3(signature = (*, prompt=None, **members))]
    fn by_hand(prompt: Option<String>, members: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut core = CoreRow::default();
        if let Some(members) = members {
            known(members)?;
            core = made_of(members)?;
        }
        if let Some(prompt) = prompt {
            core.messages.push(json!({"role": "user", "content": prompt}));
        }
        Ok(Self { core })
    }

    /// Where it stands: file and line, of a parquet file the row.
    #[getter]
    fn source<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        source(py, &self.core.source)
    }

    /// The run that it belongs to.
    #[getter]
    fn trace_id(&self) -> Option<&str> {
        self.core.trace_id.as_deref()
    }

    /// Its own name, such as the custom_id of a batch.
    #[getter]
    fn case_id(&self) -> Option<&str> {
        self.core.case_id.as_deref()
    }

    /// The model that answered; if that is not known, the one that was asked.
    #[getter]
    fn model(&self) -> Option<&str> {
        self.core.model.as_deref()
    }

    /// The provider's name, as the file spells it.
    #[getter]
    fn provider(&self) -> Option<&str> {
        self.core.provider.as_deref()
    }

    /// The system prompt; an empty one is "".
    #[getter]
    fn system(&self) -> Option<&str> {
        self.core.system.as_deref()
    }

    /// The text of the last message of the user.
    #[getter]
    fn prompt(&self) -> Option<String> {
        self.core.prompt()
    }

    /// The messages without the system prompt, as dicts.
    #[getter]
    fn messages<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.core.messages)
    }

    /// The tools that were offered, as the request had them.
    #[getter]
    fn tools<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.core.tools)
    }

    /// The other members of the request, such as temperature.
    #[getter]
    fn params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.core.params)
    }

    /// The text of the output.
    #[getter]
    fn output(&self) -> Option<&str> {
        self.core.output.as_deref()
    }

    /// The output's parts, where it has more than text.
    #[getter]
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.core.parts)
    }

    /// The tool calls of the output: id, name, and arguments, parsed where they are JSON.
    #[getter]
    fn tool_calls<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let call = |call: &f3dx_cache_core::trace::ToolCall| {
            let arguments = json::to_python(py, &call.arguments)?;
            named(py, "ToolCall", (&call.id, &call.name, arguments))
        };
        self.core.tool_calls.iter().map(call).collect()
    }

    /// The tokens that were counted: input_tokens and output_tokens.
    #[getter]
    fn usage<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let usage = self.core.usage;
        named(py, "Usage", (usage.input_tokens, usage.output_tokens))
    }

    /// How long the call took, in milliseconds.
    #[getter]
    fn latency_ms(&self) -> Option<f64> {
        self.core.latency_ms
    }

    /// Why the output ended, as the provider spells it.
    #[getter]
    fn finish_reason(&self) -> Option<&str> {
        self.core.finish_reason.as_deref()
    }

    /// What went wrong, if there is no output.
    #[getter]
    fn error(&self) -> Option<&str> {
        self.core.error.as_deref()
    }

    /// The fields of the row that no other attribute holds.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.core.extra)
    }

    /// Return the row as it stands in the file, a dict of its own fields.
    fn own<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.core.own)
    }

    /// Return all of it as a dict.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.core)
    }

    fn __repr__(&self) -> String {
        let Source { file, line } = &self.core.source;
        let place = if file.is_empty() { String::new() } else { format!(" {file}:{line}") };
        let name = self.core.case_id.as_ref().or(self.core.trace_id.as_ref());
        let name = name.map_or(String::new(), |name| format!(", {name}"));
        format!("<Row{place}{name}>")
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().core == self.core)
    }

    /// Equal rows are made of equal text; what else they hold takes no part.
    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        let core = &self.core;
        let key = (&core.source.file, core.source.line, &core.trace_id, &core.case_id);
        key.into_pyobject(py)?.hash()
    }
}

/// Returns a place as Python has it.
pub fn source<'py>(py: Python<'py>, source: &Source) -> PyResult<Bound<'py, PyAny>> {
    named(py, "Source", (&source.file, source.line))
}

/// Returns a named tuple of `traces`, which is written in Python.
pub fn named<'py>(
    py: Python<'py>,
    class: &str,
    members: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
) -> PyResult<Bound<'py, PyAny>> {
    let members = members.into_pyobject(py)?;
    py.import(intern!(py, "f3dx_cache.rows"))?.getattr(class)?.call1(members)
}

/// Refuses members that a row does not have.
fn known(members: &Bound<'_, PyDict>) -> PyResult<()> {
    let Ok(Value::Object(row)) = serde_json::to_value(CoreRow::default()) else { return Ok(()) };
    for name in members.keys() {
        let name: String = name.extract()?;
        if !row.contains_key(&name) {
            let has: Vec<_> = row.keys().map(String::as_str).collect();
            let message = format!("a row has no {name}; it has prompt, {}", has.join(", "));
            return Err(PyTypeError::new_err(message));
        }
    }
    Ok(())
}

/// Makes a row of its members.
fn made_of(members: &Bound<'_, PyDict>) -> PyResult<CoreRow> {
    let py = members.py();
    for (name, value) in members {
        // One by one, so that the error names the member.
        let one = PyDict::new(py);
        one.set_item(&name, value)?;
        if let Err(raised) = json::from_python::<CoreRow>(one.as_any()) {
            let why = raised.value(py).to_string();
            let reason = json::reason(&why).unwrap_or(why);
            return Err(PyTypeError::new_err(format!("a row's {name}: {reason}")));
        }
    }
    json::from_python(members.as_any())
}

/// Returns what says that something is no row.
pub fn no_row(value: &Bound<'_, PyAny>) -> PyErr {
    match value.get_type().fully_qualified_name() {
        Ok(class) => PyTypeError::new_err(format!(
            "rows of read_traces are needed, not {class}; Row(prompt=..., output=...) makes one"
        )),
        Err(raised) => raised,
    }
}
