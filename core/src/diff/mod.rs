//! Whether two outputs of a model say the same, in four layers of strictness.

mod bytes;
mod comparison;
mod differ;
mod excerpt;
mod fence;
mod finding;
mod model;
mod options;
mod structured;

pub use comparison::{Change, ChangeKind, Comparison, Verdict};
pub use differ::{Differ, Question};
pub use model::{Endpoint, ModelCalls};
pub use options::{DiffMode, DiffOptions, JudgeApi};
