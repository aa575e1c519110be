import CLinux
import Glibc
import ProcessProtocol

extension HostProcess {
  /// How long nothing must have happened, in milliseconds.
  private static let rest: Int32 = 100

  /// Puts this checkpoint's memory into huge pages while nobody needs it, in development; what is there already costs
  /// microseconds. True if all of it came to rest so, and a copy of this process would find room.
  ///
  /// A fork then copies one entry for 2 MiB instead of 512, and so do the fork of a worker from what was loaded here, and
  /// the ends of all these processes. The price is memory: what this process has shared with others is its own from then on.
  func compact() -> Bool {
    guard settings?.looksBeforeRequests == true else { return false }
    // Pages that another process is just copying cannot be moved.
    for _ in 0..<5 {
      guard !channel.hasNews(within: Self.rest), cl_has_memory_to_spare() else { return false }
      if !leavesPages(owning: false) { break }
    }
    return !channel.hasNews(within: 0)
  }

  /// Gives this process pages of its own where it shares some since a fork, until there is news: it then writes to them
  /// without a copy being made of each.
  func ownPages() {
    _ = leavesPages(owning: true)
    if channel.hasNews(within: 0) { return }
    let heap = hugeHeap() ?? (0, 0, 0)
    cl_give_way(false)
    cl_own_other_pages(heap.start, heap.end)
    cl_give_way_no_more()
  }

  private func hugeHeap() -> (start: UInt, end: UInt, page: Int)? {
    var (start, end, page): (UInt, UInt, Int) = (0, 0, 0)
    return cl_huge_heap(&start, &end, &page) ? (start, end, page) : nil
  }

  /// Goes once over the memory. Whether some pages could not be moved.
  private func leavesPages(owning: Bool) -> Bool {
    guard let (start, end, page) = hugeHeap() else { return false }
    cl_give_way(false)
    defer { cl_give_way_no_more() }
    var isLeft = false
    for address in stride(from: start, to: end, by: page) {
      // Some milliseconds each.
      if channel.hasNews(within: 0) { return false }
      // A huge page that is shared counts as moved.
      if owning { _ = cl_own_pages(address, page) }
      guard cl_collapse(address, page) < 0 else { continue }
      if errno == ENOMEM { return false }
      // EINVAL: where two mappings meet, or everywhere, if the kernel does not know how.
      isLeft = isLeft || errno != EINVAL
    }
    return isLeft
  }
}
