//! What can be wrong with an engine file, and with a layer for its engine.

use bpa_hdl::job_table::Beyond;

use crate::layer::LayerError;

/// Why an engine file makes no [`ProgrammableEngine`](super::ProgrammableEngine).
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A mistake that a layer file can have as well.
    #[error(transparent)]
    Common(#[from] LayerError),
    /// Another mode than the one that such a file is for.
    #[error("`engine.mode` is {text:?}: with limits it must be \"programmable\"")]
    Mode { text: String },
    /// The FIFO's addresses count without a comparison.
    #[error("`limits.fifo_results` is {value}: it must be a power of two")]
    FifoResults { value: u32 },
}

/// Why an engine cannot be told a layer.
#[derive(Debug, thiserror::Error)]
pub enum NoFit {
    /// The layer is none.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// More than a limit of the engine.
    #[error("the layer needs {what} = {value}, and the engine has `limits.{key}` = {most}")]
    Limit {
        what: String,
        key: &'static str,
        value: u64,
        most: u64,
    },
    /// More than a register holds, where no limit tells it beforehand.
    #[error("the engine holds no layer with {} = {}: at most {}", .0.what, .0.value, .0.most)]
    Register(Beyond),
}
