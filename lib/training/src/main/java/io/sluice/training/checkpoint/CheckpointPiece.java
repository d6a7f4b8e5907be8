package io.sluice.training.checkpoint;

import io.sluice.training.checkpoint.CheckpointFile.Header;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Iterator;
import java.util.List;

/**
 * The numbers of consecutive parameters on their way into a checkpoint file: of all of them, or of
 * one pipeline stage. They are given out once, in the order of the file.
 */
interface CheckpointPiece {
  /** Position, settings and how many numbers of each array the piece has. */
  Header header();

  /**
   * Writes the next numbers, float32, little-endian.
   *
   * @param buffer room for numbers on their way, a multiple of four bytes long
   */
  void writeNext(int floats, OutputStream out, byte[] buffer) throws IOException;

  /** A piece that lies in memory. */
  static CheckpointPiece of(Checkpoint checkpoint) {
    Iterator<float[]> arrays =
        List.of(
                checkpoint.parameters(),
                checkpoint.optimizer(),
                checkpoint.averageParameters(),
                checkpoint.bestParameters(),
                checkpoint.carriedStates())
            .iterator();
    return new CheckpointPiece() {
      private FloatBuffer array = FloatBuffer.wrap(arrays.next());

      @Override
      public Header header() {
        return Header.of(checkpoint);
      }

      @Override
      public void writeNext(int floats, OutputStream out, byte[] buffer) throws IOException {
        FloatBuffer chunk = ByteBuffer.wrap(buffer).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
        for (int left = floats; left > 0; ) {
          while (!array.hasRemaining()) {
            array = FloatBuffer.wrap(arrays.next());
          }
          int count = Math.min(Math.min(left, chunk.capacity()), array.remaining());
          chunk.clear().put(array.slice(array.position(), count));
          array.position(array.position() + count);
          out.write(buffer, 0, count * Float.BYTES);
          left -= count;
        }
      }
    };
  }
}
