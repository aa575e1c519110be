/// Numbers that depend on a seed alone, the same on every machine: SplitMix64 (Steele, Lea and Flood, 2014).
public struct Dice: Sendable {
  private var state: UInt64

  /// Begins the sequence of this seed.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// A number from 0 up to `bound`, without it.
  public mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }

  /// True so many times of a hundred.
  public mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

  /// One of these; nil of none.
  public mutating func pick<Element>(_ elements: [Element]) -> Element? {
    elements.isEmpty ? nil : elements[below(elements.count)]
  }

  /// One of these, each as often as its weight says.
  public mutating func pick<Element>(weighted elements: [(Int, Element)]) -> Element {
    var left = below(elements.reduce(0) { $0 + $1.0 })
    for (weight, element) in elements {
      if left < weight { return element }
      left -= weight
    }
    return elements[elements.count - 1].1
  }
}
