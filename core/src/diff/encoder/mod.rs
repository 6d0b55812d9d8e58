//! A local encoder, which makes vectors without a call: behind the feature `encoder`.

#[cfg(feature = "encoder")]
mod table;

#[cfg(feature = "encoder")]
pub(super) use table::Encoder;

#[cfg(not(feature = "encoder"))]
pub(super) use absent::Encoder;

#[cfg(not(feature = "encoder"))]
mod absent {
    use super::super::calls::Failure;
    use super::super::embedding::Vectors;
    use crate::{Error, ErrorKind, Result};
    use std::path::Path;

    /// What a build without the feature has: none.
    pub(crate) enum Encoder {}

    impl Encoder {
        pub fn open(folder: &Path) -> Result<Self> {
            let message = format!(
                "encoder = {:?}: this build has no local encoder; build it with the feature \
                 `encoder`, or use embedding_model",
                folder.display()
            );
            Err(Error::new(ErrorKind::InvalidArgument, message))
        }
    }

    impl Vectors for Encoder {
        fn of(&self, _texts: [&str; 2]) -> Result<Option<[Vec<f32>; 2]>, Failure> {
            match *self {}
        }
    }
}
