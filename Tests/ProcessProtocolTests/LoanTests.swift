import ProcessProtocol
import Testing

@Suite struct LoanTests {
  private func stored(_ loan: Loan) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xAA, count: Loan.headerSize)
    bytes.withUnsafeMutableBytes { loan.store(in: $0.baseAddress!) }
    return bytes
  }

  private func stored(_ given: Return) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xAA, count: Return.headerSize)
    bytes.withUnsafeMutableBytes { given.store(in: $0.baseAddress!) }
    return bytes
  }

  private let word = ClaimWord(serial: 0xDEAD_BEEF, epoch: 0x1234, owner: ClaimWord.nobody)

  @Test(arguments: [Loan.Family.unix, .ipv4, .ipv6]) func loanSurvivesItsMessage(family: Loan.Family) {
    for flags in 0..<16 {
      var loan = Loan(
        slot: 77, word: word, family: family, peerPort: 65535, localPort: 5000, peerAddress: (.max, 0x0102_0304))
      loan.hasBody = flags & 1 != 0
      loan.bodyLength = loan.hasBody ? 1 << 40 : 0
      loan.isSecure = flags & 2 != 0
      loan.isHTTP2 = flags & 4 != 0
      loan.isPair = flags & 8 != 0
      loan.localAddress = loan.isPair ? (0x0506, .max) : (0, 0)
      #expect((stored(loan) + [1, 2, 3]).withUnsafeBytes { Loan($0) } == loan)
    }
  }

  @Test func shortOrSenselessLoanIsNone() {
    let bytes = stored(Loan(slot: 1, word: word, family: .ipv4, peerPort: 1, localPort: 1, peerAddress: (0, 0)))
    for count in 0..<Loan.headerSize { #expect(bytes[..<count].withUnsafeBytes { Loan($0) } == nil) }
    var changed = bytes
    changed[24] = 5
    #expect(changed.withUnsafeBytes { Loan($0) } == nil)
  }

  @Test(arguments: [Return.Outcome.keep, .close, .tooOld, .truncated])
  func returnSurvivesItsMessage(outcome: Return.Outcome) {
    let given = Return(
      outcome: outcome, slot: 99, word: word.owned(by: 3), restOffset: 1 << 33, restLength: UInt64.max - 1)
    let bytes = stored(given)
    #expect(bytes[0] == Return.tag)
    #expect((bytes + [9]).withUnsafeBytes { Return($0) } == given)
  }

  @Test func shortOrSenselessReturnIsNone() {
    let bytes = stored(Return(outcome: .keep, slot: 1, word: word))
    for count in 0..<Return.headerSize { #expect(bytes[..<count].withUnsafeBytes { Return($0) } == nil) }
    for (index, value) in [(0, 0), (0, 8), (1, 4), (1, 255)] as [(Int, UInt8)] {
      var changed = bytes
      changed[index] = value
      #expect(changed.withUnsafeBytes { Return($0) } == nil)
    }
  }

  @Test func claimWordHoldsItsParts() {
    let owned = word.owned(by: 1024)
    #expect(owned.serial == 0xDEAD_BEEF && owned.epoch == 0x1234 && owned.owner == 1024)
    #expect(owned.owned(by: ClaimWord.nobody) == word)
    #expect(ClaimWord(rawValue: owned.rawValue) == owned)
  }
}
