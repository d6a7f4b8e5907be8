package io.sluice.training.async;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InvalidClassException;
import java.io.ObjectInputFilter;
import java.io.ObjectInputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.nd4j.common.primitives.Optional;
import org.nd4j.common.util.SerializationUtils;
import org.nd4j.parameterserver.distributed.v2.chunks.VoidChunk;
import org.nd4j.parameterserver.distributed.v2.messages.VoidMessage;
import org.nd4j.parameterserver.distributed.v2.util.MessageSplitter;

/**
 * Reads what comes in over UDP, and cuts and joins messages too long for one datagram stream.
 *
 * <p>The parameter server's messages are serialized Java objects, and anybody may send some. Only
 * its own classes, arrays and a few of Java's are let in, here and once more where chunks have been
 * joined; dl4j-spark lets in every class there is, and writes a file for each message it cuts.
 */
final class Messages extends MessageSplitter {
  private static final ObjectInputFilter FILTER =
      ObjectInputFilter.Config.createFilter(
          "maxdepth=64;"
              + "org.nd4j.parameterserver.distributed.v2.**;"
              + "org.nd4j.parameterserver.distributed.enums.*;"
              + "org.nd4j.linalg.**;org.nd4j.common.**;"
              + "java.lang.Object;java.lang.Enum;java.lang.Number;java.lang.Integer;"
              + "java.lang.Long;java.lang.Boolean;java.lang.String;"
              + "java.util.ArrayList;java.util.concurrent.CopyOnWriteArrayList;"
              + "java.util.concurrent.atomic.AtomicInteger;"
              + "java.util.concurrent.atomic.AtomicLong;"
              + "java.util.concurrent.atomic.AtomicBoolean;"
              + "!*");

  private final long limit;
  private final AtomicLong held = new AtomicLong();
  private final Map<String, Parts> incomplete = new ConcurrentHashMap<>();

  /**
   * @param limit bytes of the longest message; a longer one is refused
   */
  Messages(long limit) {
    this.limit = limit;
  }

  /**
   * @throws IOException if it is no message, or has a class in it that no message has
   */
  static VoidMessage read(byte[] bytes) throws IOException {
    var refused = new AtomicReference<String>();
    try (var in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
      in.setObjectInputFilter(info -> check(info, refused));
      Object read = in.readObject();
      if (read instanceof VoidMessage message) {
        return message;
      }
      throw new IOException("it is a " + read.getClass().getName());
    } catch (InvalidClassException e) {
      throw new IOException("it has a " + refused.get(), e);
    } catch (ClassNotFoundException | RuntimeException e) {
      throw new IOException("it is no message", e);
    }
  }

  private static ObjectInputFilter.Status check(
      ObjectInputFilter.FilterInfo info, AtomicReference<String> refused) {
    ObjectInputFilter.Status status = FILTER.checkInput(info);
    if (status == ObjectInputFilter.Status.REJECTED && info.serialClass() != null) {
      refused.set(info.serialClass().getName());
    }
    return status;
  }

  @Override
  public Collection<VoidChunk> split(VoidMessage message, int maxBytes) {
    byte[] bytes = SerializationUtils.toByteArray(message);
    int number = (bytes.length + maxBytes - 1) / maxBytes;
    List<VoidChunk> chunks = new ArrayList<>(number);
    for (int n = 0; n < number; n++) {
      int from = n * maxBytes;
      chunks.add(
          VoidChunk.builder()
              .messageId(UUID.randomUUID().toString())
              .originalId(message.getMessageId())
              .chunkId(n)
              .numberOfChunks(number)
              .splitSize(maxBytes)
              .payload(Arrays.copyOfRange(bytes, from, Math.min(from + maxBytes, bytes.length)))
              .totalSize(bytes.length)
              .build());
    }
    return chunks;
  }

  @Override
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // as in the class it extends
  public <T extends VoidMessage> Optional<T> merge(VoidChunk chunk, long memoryLimit) {
    if (chunk.getTotalSize() > limit) {
      throw new IllegalArgumentException(
          "A message of %,d bytes, at most %,d are expected from %s"
              .formatted(chunk.getTotalSize(), limit, chunk.getOriginatorId()));
    }
    Parts parts = incomplete.computeIfAbsent(chunk.getOriginalId(), id -> hold(chunk, memoryLimit));
    if (!parts.isCompleteWith(chunk)) {
      return Optional.empty();
    }
    incomplete.remove(chunk.getOriginalId());
    held.addAndGet(-parts.bytes.length);
    try {
      return Optional.of((T) read(parts.bytes));
    } catch (IOException e) {
      throw new IllegalArgumentException("Refused a message: " + e.getMessage(), e);
    }
  }

  private Parts hold(VoidChunk first, long memoryLimit) {
    if (held.get() + first.getTotalSize() > memoryLimit) {
      throw new IllegalArgumentException(
          "Incomplete messages hold %,d bytes, at most %,d may be held; refused one more from %s"
              .formatted(held.get(), memoryLimit, first.getOriginatorId()));
    }
    var parts = new Parts(first);
    held.addAndGet(parts.bytes.length);
    return parts;
  }

  private static final class Parts {
    private final byte[] bytes;
    private final boolean[] has;
    private int missing;

    Parts(VoidChunk first) {
      bytes = new byte[Math.toIntExact(first.getTotalSize())];
      has = new boolean[first.getNumberOfChunks()];
      missing = has.length;
    }

    synchronized boolean isCompleteWith(VoidChunk chunk) {
      byte[] payload = chunk.getPayload();
      System.arraycopy(
          payload, 0, bytes, chunk.getChunkId() * chunk.getSplitSize(), payload.length);
      if (!has[chunk.getChunkId()]) {
        has[chunk.getChunkId()] = true;
        missing--;
      }
      return missing == 0;
    }
  }
}
