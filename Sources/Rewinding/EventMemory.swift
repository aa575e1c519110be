import ReloadModel

/// Knows which events there have been, by 128 bits of SipHash each. The events themselves hold strings all over the memory,
/// whose pages would be copied after each checkpoint only because they are looked at.
struct EventMemory {
  private var digests: Set<SIMD2<Int>> = []

  /// Takes in an event. False if there has been the same before.
  mutating func takes(_ event: TraceEvent) -> Bool { digests.insert(Self.digest(event)).inserted }

  /// As if there had been no such event.
  mutating func forget(_ event: TraceEvent) { digests.remove(Self.digest(event)) }

  private static func digest(_ event: TraceEvent) -> SIMD2<Int> {
    var salted = Hasher()
    salted.combine(1)
    salted.combine(event)
    return SIMD2(event.hashValue, salted.finalize())
  }
}
