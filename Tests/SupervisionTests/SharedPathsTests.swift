import ReloadModel
import Testing

@testable import Supervision

@Suite struct SharedPathsTests {
  /// A text of its own, as it is decoded from a message.
  private func decoded() -> String { String(decoding: Array("/srv/app/lib/Some/Module.pm".utf8), as: UTF8.self) }

  private func address(_ text: String) -> UnsafePointer<UInt8>? {
    text.utf8.withContiguousStorageIfAvailable { $0.baseAddress } ?? nil
  }

  @Test func equalPathsAreKeptOnce() {
    let (first, second) = (decoded(), decoded())
    #expect(address(first) != address(second))
    var paths = SharedPaths()
    let lists = [paths.shared([first]), paths.shared([second])]
    #expect(lists == [[first], [second]])
    #expect(address(lists[0][0]) == address(first) && address(lists[1][0]) == address(first))
  }

  @Test func eventsOfTwoLoadsShareTheirPaths() {
    let (first, second) = (decoded(), decoded())
    var paths = SharedPaths()
    _ = paths.shared([first])
    let events = paths.shared([.ended(file: second, loaded: true, microseconds: 3), .missing(path: decoded())])
    #expect(events == [.ended(file: second, loaded: true, microseconds: 3), .missing(path: second)])
    #expect(events.allSatisfy { address($0.path) == address(first) })
  }

  @Test func whatNobodyNamesIsForgotten() {
    let (first, second) = (decoded(), decoded())
    var paths = SharedPaths()
    _ = paths.shared([first])
    paths.keep(only: [])
    #expect(address(paths.shared([second])[0]) == address(second))
  }
}
