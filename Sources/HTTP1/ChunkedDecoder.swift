/// Takes a chunked body (RFC 9112, 7.1) apart as it arrives. It copies nothing: it tells which bytes of the input are
/// the body's.
///
///     while true {
///       switch decoder.decode(input) {
///       case .data(let range): use(input[range]); input.removeFirst(range.upperBound)
///       case .needsMore: read more into input, which was used up
///       case .finished(let consumed): what follows is the next request; return
///       case .refused(let refusal): answer it, close
///       }
///     }
public struct ChunkedDecoder: Sendable {
  /// The next thing that the input holds.
  public enum Step: Equatable, Sendable {
    /// These bytes of the input, not none, belong to the body. All bytes before them are used up.
    case data(Range<Int>)
    /// The whole input is used up, and the body goes on.
    case needsMore
    /// The body has ended; that many bytes of the input were used up.
    case finished(consumed: Int)
    /// The input is not a chunked body. The decoder stays in this state.
    case refused(Refusal)
  }

  private enum State: Equatable, Sendable {
    case size(value: Int, digits: Int)
    /// White space between size and extension.
    case beforeExtension
    case `extension`
    /// LF must come, then the data of a chunk of that size, or the trailer section after size 0.
    case sizeLineFeed(size: Int)
    case data(remaining: Int)
    case dataCarriageReturn
    case dataLineFeed
    case trailerLine
    case trailerName
    case trailerValue
    case trailerLineFeed
    case lastLineFeed
    case finished
    case failed(Refusal)
  }

  /// The most bytes of chunk extensions in one body, and of its trailer section.
  private let maximumOverhead: Int
  private var extensionBytes = 0
  private var trailerBytes = 0
  private var size = 0
  private var state = State.size(value: 0, digits: 0)

  /// A decoder at the first byte of a body. `maximumOverhead` bounds the bytes of all its chunk extensions together,
  /// and those of its trailer section.
  public init(maximumOverhead: Int = Limits().maximumHead) {
    self.maximumOverhead = maximumOverhead
  }

  /// Whether the body has ended.
  public var isFinished: Bool { state == .finished }

  /// Decodes up to the next range of data in `input`, which begins where the previous step's used-up bytes ended.
  public mutating func decode(_ input: UnsafeRawBufferPointer) -> Step {
    var offset = 0
    while true {
      switch state {
      case .data(let remaining):
        guard offset < input.count else { return .needsMore }
        let count = min(remaining, input.count - offset)
        state = count < remaining ? .data(remaining: remaining - count) : .dataCarriageReturn
        return .data(offset..<(offset + count))
      case .finished: return .finished(consumed: offset)
      case .failed(let refusal): return .refused(refusal)
      default:
        guard offset < input.count else { return .needsMore }
        state = next(after: input[offset])
        offset += 1
      }
    }
  }

  /// The state after one byte of framing.
  private mutating func next(after byte: UInt8) -> State {
    switch state {
    case .size(let value, let digits): sizeState(after: byte, value: value, digits: digits)
    case .beforeExtension, .extension: extensionState(after: byte)
    case .sizeLineFeed(let size):
      byte != .lineFeed ? .failed(.badLineEnd) : size > 0 ? .data(remaining: size) : .trailerLine
    case .dataCarriageReturn: byte == .carriageReturn ? .dataLineFeed : .failed(.badChunkEnd)
    case .dataLineFeed: byte == .lineFeed ? .size(value: 0, digits: 0) : .failed(.badChunkEnd)
    case .trailerLine, .trailerName, .trailerValue, .trailerLineFeed: trailerState(after: byte)
    case .lastLineFeed: byte == .lineFeed ? .finished : .failed(.badLineEnd)
    case .data, .finished, .failed: state
    }
  }

  private mutating func sizeState(after byte: UInt8, value: Int, digits: Int) -> State {
    if let digit = byte.hexadecimalValue {
      // Sixteen digits bound the leading zeros too; the comparison bounds the value.
      guard digits < 16, value <= (Int.max - Int(digit)) >> 4 else { return .failed(.badChunkSize) }
      return .size(value: value << 4 | Int(digit), digits: digits + 1)
    }
    guard digits > 0 else { return .failed(.badChunkSize) }
    size = value
    switch byte {
    case .carriageReturn: return .sizeLineFeed(size: value)
    case UInt8(ascii: ";"): return .extension
    case .space, .tab: return extensionState(after: byte)
    case .lineFeed: return .failed(.badLineEnd)
    default: return .failed(.badChunkSize)
    }
  }

  private mutating func extensionState(after byte: UInt8) -> State {
    extensionBytes += 1
    guard extensionBytes <= maximumOverhead else { return .failed(.chunkExtensionsTooLong) }
    if state == .extension {
      if byte == .carriageReturn { return .sizeLineFeed(size: size) }
      return byte.isFieldValue ? .extension : .failed(byte == .lineFeed ? .badLineEnd : .badChunkExtension)
    }
    if byte == UInt8(ascii: ";") { return .extension }
    return byte.isBlank ? .beforeExtension : .failed(.badChunkExtension)
  }

  /// Trailer fields are checked as far as nobody could read them as something else, and left out.
  private mutating func trailerState(after byte: UInt8) -> State {
    trailerBytes += 1
    guard trailerBytes <= maximumOverhead else { return .failed(.trailerTooLong) }
    switch (state, byte) {
    case (.trailerLine, .carriageReturn): return .lastLineFeed
    case (.trailerLine, _) where byte.isToken: return .trailerName
    case (.trailerName, UInt8(ascii: ":")): return .trailerValue
    case (.trailerName, _) where byte.isToken: return .trailerName
    case (.trailerValue, .carriageReturn): return .trailerLineFeed
    case (.trailerValue, _) where byte.isFieldValue: return .trailerValue
    case (.trailerLineFeed, .lineFeed): return .trailerLine
    case (.trailerLineFeed, _), (_, .lineFeed): return .failed(.badLineEnd)
    default: return .failed(.badTrailer)
    }
  }
}
