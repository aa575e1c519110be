import ReloadModel
import Testing

/// How many checkpoints stand beside an earlier generation, and which.
@Suite struct CheckpointAllowanceTests {
  private let allowance = CheckpointAllowance(most: 16)

  @Test(arguments: [(1000, 14), (950, 13), (900, 11), (800, 8), (700, 5), (600, 4), (0, 4)])
  func lessIsAllowedTheLessIsShared(_ shared: Int, _ count: Int) {
    #expect(allowance.count(sharing: shared, of: 1000) == count)
  }

  @Test func neverMoreThanAFreshStartLeaves() {
    #expect(CheckpointAllowance(most: 3).count(sharing: 1000, of: 1000) == 1)
    #expect(CheckpointAllowance(most: 0).count(sharing: 0, of: 1000) == 0)
    #expect(allowance.count(sharing: 0, of: 0) == 16)
  }

  @Test func nothingGoesWhereThereAreNotTooMany() {
    #expect(CheckpointAllowance.surplus(of: [0, 10, 20], leaving: 3, end: 30, edited: []) == [])
  }

  @Test func whatStandsClosestToItsNeighboursGoesFirst() {
    #expect(CheckpointAllowance.surplus(of: [0, 40, 45, 50, 90], leaving: 4, end: 100, edited: []) == [45])
    #expect(CheckpointAllowance.surplus(of: [0, 10, 20, 60, 95], leaving: 3, end: 100, edited: []) == [10, 95])
  }

  @Test func theOneBeforeTheFileThatWasEditedLastStays() {
    #expect(CheckpointAllowance.surplus(of: [0, 40, 45, 50, 90], leaving: 2, end: 100, edited: [47]) == [40, 50, 90])
    #expect(CheckpointAllowance.surplus(of: [0, 40, 45, 50, 90], leaving: 1, end: 100, edited: [47]) == [40, 50, 90])
  }

  @Test func thoseBeforeEditedFilesStayBeforeOthersButAreNotMoreThanHalf() {
    #expect(
      CheckpointAllowance.surplus(of: [0, 10, 11, 12, 13, 50], leaving: 4, end: 100, edited: [13, 11, 12])
        == [10, 12])
  }

  @Test func theFirstStays() {
    #expect(CheckpointAllowance.surplus(of: [0, 5], leaving: 1, end: 100, edited: []) == [5])
    #expect(CheckpointAllowance.surplus(of: [0], leaving: 0, end: 100, edited: []) == [])
  }
}
