import CLinux
import Glibc
import ProcessProtocol

extension HostProcess {
  /// How long nothing must have happened, in milliseconds.
  private static let rest: Int32 = 100

  /// Puts this checkpoint's memory into huge pages while nobody needs it, in development; what is there already costs
  /// microseconds.
  ///
  /// A fork then copies one entry for 2 MiB instead of 512, and so do the fork of a worker from what was loaded here, and
  /// the ends of all these processes. The price is memory: what this process has shared with others is its own from then on.
  func compact() {
    guard settings?.looksBeforeRequests == true else { return }
    // Pages that another process is just copying cannot be moved.
    for _ in 0..<5 {
      guard !channel.hasNews(within: Self.rest), leavesPages() else { return }
    }
  }

  /// Goes once over the memory. Whether some pages could not be moved.
  private func leavesPages() -> Bool {
    var (start, end, page): (UInt, UInt, Int) = (0, 0, 0)
    guard cl_huge_heap(&start, &end, &page) else { return false }
    cl_give_way(false)
    defer { cl_give_way_no_more() }
    var isLeft = false
    for address in stride(from: start, to: end, by: page) {
      // Some milliseconds each.
      if channel.hasNews(within: 0) { return false }
      guard cl_collapse(address, page) < 0 else { continue }
      if errno == ENOMEM { return false }
      // EINVAL: where two mappings meet, or everywhere, if the kernel does not know how.
      isLeft = isLeft || errno != EINVAL
    }
    return isLeft
  }
}
