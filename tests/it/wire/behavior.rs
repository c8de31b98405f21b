//! What a server is told to do.

/// Less than any socket has of its own accord: a few frames fill it.
pub(super) const SMALL: u32 = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub(super) const BOTH: [Self; 2] = [Self::Http1, Self::Http2];
}

/// What the server does. A request with the token `t1` is refused, any other is accepted.
#[derive(Clone, Copy)]
pub(super) struct ServerBehavior {
    /// How many bytes of a refused request it reads before it answers; at most all.
    pub(super) reads_first: usize,
    /// What becomes of the rest.
    pub(super) rest: RestOfBody,
    pub(super) refusal: Refusal,
    /// Whether it answers an accepted request at once, with each frame as it comes. Otherwise the
    /// answer is the request's body in one piece.
    pub(super) echoes_frames: bool,
}

/// What the server does with the body of a refused request, apart from what it reads first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RestOfBody {
    Reads,
    /// Holds it unread until it is told what to do. The socket and the window of a stream are small.
    Holds,
    Drops,
}

/// The body of a 401.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    Small,
    Endless,
}

impl ServerBehavior {
    /// Reads the whole request before it refuses it.
    pub(super) const PATIENT: Self = Self {
        reads_first: usize::MAX,
        rest: RestOfBody::Reads,
        refusal: Refusal::Small,
        echoes_frames: false,
    };

    /// Refuses a request by its head.
    pub(super) const fn early(rest: RestOfBody) -> Self {
        Self {
            reads_first: 0,
            rest,
            ..Self::PATIENT
        }
    }
}
