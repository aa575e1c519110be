import CLinux
import Glibc
import ProcessProtocol
import Testing

@Suite struct ScoreboardTests {
  /// The same scoreboard twice: as its maker sees it, and mapped a second time from a copy of its descriptor.
  private func pair(slots: Int = 8) throws -> (Scoreboard, Scoreboard) {
    let made = try #require(Scoreboard(slotCount: slots))
    let mapped = try #require(Scoreboard(descriptor: cl_dup_above(made.descriptor, 100)))
    return (made, mapped)
  }

  @Test func wordsAreSharedWithASecondMapping() throws {
    let (made, mapped) = try pair()
    #expect(mapped.slotCount == 8)
    made.publishedGeneration = 7
    made.examining = 1
    mapped.waiting = -2
    mapped.addWaiting(5)
    #expect(mapped.publishedGeneration == 7)
    #expect(mapped.examining == 1)
    #expect(made.waiting == 3)
  }

  @Test func claimWordsBeginInTheSwitchboardsHands() throws {
    let (made, mapped) = try pair()
    for slot in 0..<8 {
      let word = ClaimWord(rawValue: cl_load64(mapped.claim(slot)))
      #expect(word == ClaimWord(serial: 0, epoch: 0, owner: ClaimWord.switchboard))
    }
    let word = ClaimWord(serial: 1, epoch: 2, owner: ClaimWord.nobody)
    cl_store64(made.claim(7), word.rawValue)
    #expect(cl_swap64(mapped.claim(7), word.rawValue, word.owned(by: 5).rawValue))
    #expect(!cl_swap64(mapped.claim(7), word.rawValue, word.owned(by: 6).rawValue))
    #expect(ClaimWord(rawValue: cl_load64(made.claim(7))).owner == 5)
    #expect(ClaimWord(rawValue: cl_load64(made.claim(6))).owner == ClaimWord.switchboard)
  }

  @Test func cellsAreSharedAndApart() throws {
    let (made, mapped) = try pair()
    let last = Scoreboard.cellCount - 1
    let cell = mapped.cell(last)
    cell.phase = .responding
    cell.slot = 3
    cell.requests = 9
    cell.since = 10
    let seen = made.cell(last)
    #expect(seen.phase == .responding && seen.slot == 3 && seen.requests == 9 && seen.since == 10)
    #expect(made.cell(last - 1).phase == .starting)
    #expect(made.cell(last - 1).slot == nil)
    cell.slot = nil
    #expect(seen.slot == nil)
    seen.clear()
    #expect(cell.phase == .starting && cell.requests == 0)
  }

  @Test func lastCellDoesNotReachTheClaimWords() throws {
    let (made, _) = try pair()
    let memory = made.cell(Scoreboard.cellCount - 1).locationMemory
    memset(memory.path, 0xFF, Scoreboard.locationCapacity)
    #expect(ClaimWord(rawValue: cl_load64(made.claim(0))).serial == 0)
  }

  @Test func locationIsWrittenByStoresAlone() throws {
    let (made, mapped) = try pair()
    #expect(made.cell(2).location == nil)
    let memory = mapped.cell(2).locationMemory
    let path = Array("/srv/My/App.pm".utf8)
    memory.line.pointee = 42
    memory.path.copyMemory(from: path, byteCount: path.count)
    memory.count.pointee = UInt64(path.count)
    let location = try #require(made.cell(2).location)
    #expect(location.file == "/srv/My/App.pm" && location.line == 42)
    memory.count.pointee = .max
    #expect(made.cell(2).location?.file.utf8.count ?? 0 <= Scoreboard.locationCapacity)
  }

  @Test func somethingElseIsNoScoreboard() throws {
    let file = cl_memfd("nothing")
    defer { close(file) }
    ftruncate(file, 8192)
    #expect(Scoreboard(descriptor: file) == nil)
    #expect(Scoreboard(descriptor: -1) == nil)
  }
}

@Suite struct RequestNames {
  private func name(_ method: String, _ path: String) throws -> String? {
    let cell = try #require(Scoreboard(slotCount: 1)).cell(5)
    #expect(cell.request == nil)
    Array(method.utf8).withUnsafeBytes { method in
      Array(path.utf8).withUnsafeBytes { path in cell.setRequest(method, path) }
    }
    return cell.request
  }

  @Test func areMethodAndPath() throws { #expect(try name("GET", "/a/b") == "GET /a/b") }

  @Test func areCutToTheirPlace() throws {
    let long = try #require(try name("POST", "/" + String(repeating: "x", count: 10_000)))
    #expect(long.hasPrefix("POST /xxx") && long.utf8.count == 480)
    #expect(try name(String(repeating: "M", count: 1000), "/")?.utf8.count == 480)
  }
}

@Test func requestsAreCountedByStatusAndDuration() throws {
  let board = try #require(Scoreboard(slotCount: 8))
  defer { close(board.descriptor) }
  let cell = board.cell(3)
  for (status, nanoseconds) in [(200, 1_000_000), (204, 1_000_001), (404, 11_000_000_000), (999, 0)] as [(Int, UInt64)]
  {
    cell.count(status: status, nanoseconds: nanoseconds)
  }
  cell.setRequest(
    UnsafeRawBufferPointer(start: nil, count: 0), UnsafeRawBufferPointer(start: nil, count: 0))
  #expect(cell.counts.classes == [0, 2, 0, 1, 0, 1])
  #expect(cell.counts.buckets == [2, 1] + [UInt64](repeating: 0, count: 11) + [1])
  #expect(cell.counts.nanoseconds == 11_002_000_001 && cell.counts.total == 4)
  #expect(board.cell(2).counts == RequestCounts() && board.cell(4).counts == RequestCounts())
  cell.clear()
  #expect(cell.counts == RequestCounts())
}
