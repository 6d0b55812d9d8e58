//! Model calls: core builds the request and reads the response, the host sends it.

/// Which of a provider's endpoints a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/v1/embeddings`: the request has `input`, a list of texts.
    Embeddings,
    /// `/v1/chat/completions` of OpenAI: the request has `messages`.
    ChatCompletions,
    /// `/v1/messages` of Anthropic: the request has `messages` and `max_tokens`.
    Messages,
}

/// What sends model calls: the caller's code, in whatever language.
///
/// Core holds neither lock nor transaction meanwhile, so that it may itself go through an
/// interceptor onto the same cache. Calls may come from several threads at once.
pub trait ModelCalls: Sync {
    /// Sends `request`, a JSON object, and returns the response, a JSON object.
    ///
    /// # Errors
    ///
    /// What the provider or the transport said, for people; a response `{"error": …}` is
    /// understood, too.
    fn call(&self, endpoint: Endpoint, request: &[u8]) -> Result<Vec<u8>, String>;
}
