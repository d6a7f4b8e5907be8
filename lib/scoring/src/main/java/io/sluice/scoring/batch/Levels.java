package io.sluice.scoring.batch;

import java.io.IOException;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.values.rle.RunLengthBitPackingHybridEncoder;

/** Parquet's repetition and definition levels, as a page of format version 1 begins with them. */
final class Levels {
  private static final int PAGE_BYTES = 1 << 20;

  private Levels() {}

  /** The same level for every entry. */
  static BytesInput same(int level, int entries, int bits) throws IOException {
    var encoder = encoder(bits);
    for (int i = 0; i < entries; i++) {
      encoder.writeInt(level);
    }
    return withLength(encoder);
  }

  /** Repetition levels of lists of one length: 0 where a list begins, 1 in it. */
  static BytesInput lists(int lists, int length) throws IOException {
    var encoder = encoder(1);
    for (int list = 0; list < lists; list++) {
      for (int i = 0; i < length; i++) {
        encoder.writeInt(i == 0 ? 0 : 1);
      }
    }
    return withLength(encoder);
  }

  static RunLengthBitPackingHybridEncoder encoder(int bits) {
    return new RunLengthBitPackingHybridEncoder(
        bits, 256, PAGE_BYTES, HeapByteBufferAllocator.getInstance());
  }

  private static BytesInput withLength(RunLengthBitPackingHybridEncoder encoder)
      throws IOException {
    BytesInput levels = encoder.toBytes();
    return BytesInput.concat(BytesInput.fromInt(Math.toIntExact(levels.size())), levels);
  }
}
