//! Segments: a condition in words that the command line, recipe and window share, such as
//! `VisitorType = 'Returning_Visitor' and Month in ('Nov', 'Dec') and PageValues > 0`.

/// A parsed condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// As written.
    pub text: String,
}
