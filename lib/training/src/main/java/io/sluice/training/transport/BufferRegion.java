package io.sluice.training.transport;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import org.apache.spark.network.util.AbstractFileRegion;

/**
 * A buffer as Spark's SASL encryption can send it. Of a plain buffer Spark 3.5 takes the bytes that
 * are left for the length of all (SaslEncryption.EncryptedMessage), and Netty drops the rest of
 * what seems sent: half of a long buffer, and the end of a short one whenever the socket is full.
 */
final class BufferRegion extends AbstractFileRegion {
  private final ByteBuf buffer;
  private final int count;
  private long transferred;

  BufferRegion(ByteBuf buffer) {
    this.buffer = buffer;
    this.count = buffer.readableBytes();
  }

  @Override
  public long position() {
    return 0;
  }

  @Override
  public long count() {
    return count;
  }

  @Override
  public long transferred() {
    return transferred;
  }

  @Override
  public long transferTo(WritableByteChannel target, long position) throws IOException {
    int written = target.write(buffer.nioBuffer());
    buffer.skipBytes(written);
    transferred += written;
    return written;
  }

  /** May be called once too often: EncryptedMessage lets go of what it sends twice. */
  @Override
  public boolean release(int decrement) {
    return refCnt() > 0 && super.release(decrement);
  }

  @Override
  public boolean release() {
    return refCnt() > 0 && super.release();
  }

  @Override
  protected void deallocate() {
    buffer.release();
  }
}
