import Foundation
import HTTP1
import Testing

/// Bytes of all kinds. `make fuzz-http INPUTS=n SEED=s` plays more of them.
@Suite struct FuzzTests {
  private static func number(_ name: String, otherwise: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? otherwise
  }

  /// The threads' shares of the inputs.
  private static let shares = 0..<4

  /// Whatever comes, and however it is cut, it has one meaning, and no more bytes than came.
  @Test(arguments: shares)
  func everyInputHasOneMeaning(_ share: Int) {
    let seed = UInt64(Self.number("SEED", otherwise: 1)) &* 1000 &+ UInt64(share)
    var generator = RequestGenerator(seed: seed)
    for index in 0..<Self.number("INPUTS", otherwise: 8000) / Self.shares.count {
      let input = input(&generator)
      let whole = meaning(of: [input[...]])
      let cuts = (0...generator.dice.roll(6)).map { _ in generator.dice.roll(input.count + 1) }.sorted()
      let bounds = [0] + cuts + [input.count]
      let pieces = zip(bounds, bounds.dropFirst()).map { input[$0..<$1] }
      let cut = meaning(of: pieces)
      guard whole == cut, (whole.consumed ?? 0) <= input.count else {
        let text = String(decoding: input, as: UTF8.self).debugDescription
        Issue.record("seed \(seed), input \(index): \(text) means \(whole), cut at \(cuts) \(cut)")
        return
      }
    }
  }

  private func input(_ generator: inout RequestGenerator) -> [UInt8] {
    switch generator.dice.roll(4) {
    case 0: (0..<generator.dice.roll(200)).map { _ in UInt8(generator.dice.roll(256)) }
    case 1: generator.validRequest() + generator.mutatedRequest()
    default: generator.mutatedRequest()
    }
  }

  private struct Meaning: Equatable {
    var heads: [Seen] = []
    var body: [UInt8] = []
    var refusal: Refusal?
    /// The bytes of all requests that came whole.
    var consumed: Int?
  }

  /// Reads one request after another, as a server does that gets these pieces.
  private func meaning(of pieces: [ArraySlice<UInt8>]) -> Meaning {
    var meaning = Meaning()
    var buffer: [UInt8] = []
    var head = RequestHead()
    var decoder: ChunkedDecoder?
    var left = 0
    for piece in pieces {
      buffer += piece
      reading: while meaning.refusal == nil {
        if left > 0 || decoder != nil {
          guard take(&buffer, &left, &decoder, &meaning) else { break }
          continue
        }
        switch parse(buffer, with: &head) {
        case .incomplete: break reading
        case .refused(let refusal): meaning.refusal = refusal
        case .complete(let seen):
          meaning.heads.append(seen)
          buffer.removeFirst(seen.headLength)
          meaning.consumed = (meaning.consumed ?? 0) + seen.headLength
          switch seen.body {
          case .none: break
          case .length(let count): left = count
          case .chunked: decoder = ChunkedDecoder()
          }
        }
      }
    }
    return meaning
  }

  /// Takes what is there of a body; false if more has to come.
  private func take(
    _ buffer: inout [UInt8], _ left: inout Int, _ decoder: inout ChunkedDecoder?, _ meaning: inout Meaning
  ) -> Bool {
    if decoder == nil {
      let count = min(left, buffer.count)
      meaning.body += buffer[..<count]
      buffer.removeFirst(count)
      left -= count
      return left == 0
    }
    while true {
      switch buffer.withUnsafeBytes({ decoder!.decode($0) }) {
      case .data(let range):
        meaning.body += buffer[range]
        buffer.removeFirst(range.upperBound)
      case .needsMore:
        buffer.removeAll()
        return false
      case .finished(let consumed):
        buffer.removeFirst(consumed)
        decoder = nil
        return true
      case .refused(let refusal):
        meaning.refusal = refusal
        return true
      }
    }
  }
}
