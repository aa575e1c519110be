import Testing

@testable import Supervision

@Suite struct ConnectionSlotTests {
  @Test func withoutALimitThereAreAsManyAsThereAreDescriptorsFor() {
    let slots = ConnectionSlots(wanted: 0, descriptors: 1100, others: 100)
    #expect(slots.count == 500 && slots.shortage == nil)
    #expect(ConnectionSlots(wanted: 0, descriptors: 1 << 20, others: 100).count == 16384)
    #expect(ConnectionSlots(wanted: 0, descriptors: 64, others: 100).count == 8)
  }

  @Test func thoseWhoAreTurnedAwayHavePlacesOfTheirOwn() {
    let slots = ConnectionSlots(wanted: 20000, descriptors: 1 << 20, others: 100)
    #expect(slots.count == 20032 && slots.shortage == nil)
  }

  @Test func limitThatCannotBeReachedIsSaid() {
    let slots = ConnectionSlots(wanted: 20000, descriptors: 1100, others: 100)
    #expect(slots.count == 500 && slots.shortage == 468)
  }
}
