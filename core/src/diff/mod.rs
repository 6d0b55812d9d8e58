//! Whether two outputs of a model say the same, in four layers of strictness.

mod bytes;
mod calls;
mod comparison;
mod differ;
mod embedding;
mod encoder;
mod excerpt;
mod fence;
mod finding;
mod guards;
mod judge;
mod model;
mod options;
mod structured;
mod texts;
mod vectors;

pub use comparison::{Change, ChangeKind, Comparison, Verdict};
pub use differ::{Differ, Question};
pub use model::{Endpoint, ModelCalls};
pub use options::{DiffMode, DiffOptions, JudgeApi};
