import ReloadModel
import Testing

/// The sanity vectors of xxHash's own tests: a buffer of pseudo-random bytes, hashed in several lengths.
private let sanityBuffer: [UInt8] = {
  var generator: UInt64 = 2_654_435_761
  return (0..<2367).map { _ in
    defer { generator = generator &* 11_400_714_785_074_694_797 }
    return UInt8(generator >> 56)
  }
}()

private let prime32: UInt64 = 2_654_435_761

@Test(
  "published vectors",
  arguments: [
    (0, 0, 0xEF46_DB37_51D8_E999), (0, prime32, 0xAC75_FDA2_929B_17EF), (1, 0, 0xE934_A84A_DB05_2768),
    (1, prime32, 0x5014_6076_43A9_B4C3), (4, 0, 0x9136_A0DC_A574_57EE), (14, 0, 0x8282_DCC4_994E_35C8),
    (14, prime32, 0xC3BD_6BF6_3DEB_6DF0), (222, 0, 0xB641_AE8C_B691_C174), (222, prime32, 0x20CB_8AB7_AE10_C14A),
  ] as [(Int, UInt64, UInt64)])
func xxh64GivesThePublishedHash(length: Int, seed: UInt64, expected: UInt64) {
  #expect(XXH64.hash(Array(sanityBuffer.prefix(length)), seed: seed) == expected)
}

@Test func xxh64OfTextIsThePublishedOne() {
  #expect(XXH64.hash(Array("abc".utf8)) == 0x44BC_2CF5_AD77_0999)
  #expect(
    XXH64.hash(Array("Nobody inspects the spammish repetition".utf8)) == 0xFBCE_A83C_8A37_8BF1)
}

@Test func xxh64InPartsEqualsXXH64InOneStep() {
  for (size, part) in [(1000, 1), (1000, 7), (1000, 31), (1000, 32), (1000, 33), (64, 64), (2367, 100)] {
    let bytes = Array(sanityBuffer.prefix(size))
    var hasher = XXH64()
    for start in stride(from: 0, to: size, by: part) {
      bytes[start..<min(start + part, size)].withUnsafeBytes { hasher.update($0) }
    }
    #expect(hasher.digest() == XXH64.hash(bytes), "\(size) bytes in parts of \(part)")
  }
}
