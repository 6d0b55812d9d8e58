//! Whether two outputs of a model say the same, in four layers of strictness.

mod comparison;
mod model;
mod options;

pub use comparison::{Change, ChangeKind, Comparison, Verdict};
pub use model::{Endpoint, ModelCalls};
pub use options::{DiffMode, DiffOptions, JudgeApi};
