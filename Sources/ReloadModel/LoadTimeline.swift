/// When what happened in one process that loaded, in microseconds of the machine's steady clock (`CLOCK_MONOTONIC`).
public struct LoadTimeline: Equatable, Sendable {
  /// One thing that took time.
  public struct Span: Equatable, Sendable {
    /// What it was.
    public enum Kind: UInt8, Sendable {
      /// The checkpoint forked this process.
      case fork
      /// Open files were opened again.
      case reopen
      /// All of the load that this process has done.
      case load
      /// A watched source file, with all that it loaded.
      case source
      /// A file of perl's or CPAN's.
      case library
    }
    /// What it was.
    public var kind: Kind
    /// The file; empty for what is about none.
    public var file: String
    /// When it began. Of a file whose load a checkpoint stands in: when this process went on with it.
    public var start: UInt64
    /// How long it took.
    public var duration: UInt64

    /// Makes a span.
    public init(_ kind: Kind, file: String = "", start: UInt64, duration: UInt64) {
      (self.kind, self.file, self.start, self.duration) = (kind, file, start, duration)
    }
  }

  /// The process.
  public var pid: Int32
  /// In the order in which they ended.
  public var spans: [Span]

  /// Makes a timeline.
  public init(pid: Int32, spans: [Span] = []) { (self.pid, self.spans) = (pid, spans) }
}
