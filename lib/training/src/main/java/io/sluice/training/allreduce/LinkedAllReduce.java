package io.sluice.training.allreduce;

import static io.sluice.training.allreduce.Partners.capitalised;

import io.sluice.training.transport.Endpoint;
import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.Link;
import io.sluice.training.transport.TransportSettings;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The all-reduce over links: which sum a message belongs to, who is lost, who has left. Its state
 * belongs to the endpoint's thread.
 *
 * <p>Heads of messages, in network order; numbers travel in little-endian order:
 *
 * <pre>
 * READY     id, count, kind            the sender has begun a ring sum or a gather; to the rank before it
 * PIECE     id, reduced, at            body: numbers of a ring sum
 * PART      id, origin, length, at     body: bytes of a rank's message in a gather
 * NUMBERS   id, count, kind, tag       body: numbers of an exchange sum
 * ABORT     culprit, message           the sender has failed, for this reason, and goes
 * LEAVE     id                         the sender has begun no sum from this one on, and goes
 * </pre>
 */
final class LinkedAllReduce implements AllReduce, Endpoint.Listener {
  private static final byte READY = 1;
  private static final byte PIECE = 2;
  private static final byte NUMBERS = 3;
  private static final byte ABORT = 4;
  private static final byte LEAVE = 5;
  private static final byte PART = 6;

  /** Longest message of an exchange sum. */
  private static final int MAX_EXCHANGE_BYTES = 1 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(LinkedAllReduce.class);

  private static final int MAX_REASON_BYTES = 16 << 10;

  /**
   * Sums under way at a time; later ones wait here. No rank is further ahead of another than this,
   * so what arrives early for a rank is at most so many short arrays from each partner.
   */
  private static final int MAX_UNDER_WAY = 32;

  private final int rank;
  private final int ranks;
  private final Partners partners;
  private final AllReduceSettings settings;
  private final Endpoint endpoint;
  private final Numbers numbers = new Numbers();

  // of the caller
  private long nextId;

  // of the endpoint's thread
  private final TreeMap<Long, Sum> underWay = new TreeMap<>();
  private final ArrayDeque<Sum> waiting = new ArrayDeque<>();
  private final Map<Long, ByteBuffer[]> early = new HashMap<>();
  private final Map<Long, String> shapesEarly = new HashMap<>();
  private final Map<Integer, Long> left = new HashMap<>();
  private final ArrayDeque<ByteBuffer> buffers = new ArrayDeque<>();
  private long begun;
  private volatile boolean closing;
  private volatile PeerLostException failure;

  LinkedAllReduce(
      TransportSettings transport,
      int rank,
      int ranks,
      IntFunction<String> names,
      GroupKey key,
      AllReduceSettings settings)
      throws IOException {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new IllegalStateException("numbers travel as they lie in little-endian memory");
    }
    this.rank = rank;
    this.ranks = ranks;
    this.partners = new Partners(rank, ranks, names);
    this.settings = settings;
    this.endpoint = Endpoint.listen(transport, name(), key, this);
  }

  String name() {
    return partners.name();
  }

  static String shown(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + "s"
        : duration.toMillis() + "ms";
  }

  String address() {
    return endpoint.address();
  }

  // ---- joining

  /** {@link Partners#join Joins} its partners, who are told if that fails. */
  void join(List<String> addresses, Duration deadline) throws InterruptedException {
    try {
      partners.join(endpoint, addresses, deadline);
    } catch (PeerLostException e) {
      if (failure == null) {
        endpoint.execute(() -> fail(e));
      }
      throw e;
    }
  }

  @Override
  public void joined(Link link) {
    Integer partner = partners.of(link);
    if (partner == null || failure != null || closing) {
      LOG.warn("{} has no use for a link with {}", name(), link.peer());
      link.close();
      return;
    }
    partners.joined(partner, link);
  }

  // ---- for callers

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return ranks;
  }

  @Override
  public Pending sum(ByteBuffer array) {
    if (!array.isDirect() || array.remaining() % Float.BYTES != 0) {
      throw new IllegalArgumentException(
          "array has %,d bytes, %s; expected direct memory and a multiple of 4"
              .formatted(array.remaining(), array.isDirect() ? "direct" : "on the heap"));
    }
    return settings.goesAround(array.remaining(), ranks)
        ? begin(id -> new RingSum(this, id, array))
        : begin(id -> new ExchangeSum(this, id, Values.Floats.of(array)));
  }

  @Override
  public double[] sum(double[] values) throws InterruptedException {
    double[] sums = values.clone();
    begin(id -> new ExchangeSum(this, id, new Values.Doubles(sums))).await(settings.deadline());
    return sums;
  }

  @Override
  public Gathering gather(ByteBuffer message, int maxBytes) {
    if (message.remaining() > maxBytes) {
      throw new IllegalArgumentException(
          "message has %,d bytes, expected at most %,d".formatted(message.remaining(), maxBytes));
    }
    return begin(id -> new RingGather(this, id, message, maxBytes));
  }

  private synchronized <S extends Sum> S begin(LongFunction<S> create) {
    if (failure != null) {
      throw new PeerLostException(failure);
    }
    if (closing) {
      throw new IllegalStateException(name() + " has closed its all-reduce");
    }
    S sum = create.apply(nextId++);
    if (ranks == 1) {
      sum.settle();
    } else {
      endpoint.execute(
          () -> {
            waiting.add(sum);
            startWaiting();
          });
    }
    return sum;
  }

  @Override
  public void abort(String reason) {
    endpoint.execute(
        () -> fail(new PeerLostException(name(), capitalised(name()) + " failed: " + reason)));
  }

  @Override
  public long bytesSent() {
    return partners.links().stream().mapToLong(Link::bytesSent).sum();
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closing) {
        return;
      }
      closing = true;
    }
    endpoint.execute(this::leave);
    endpoint.close();
  }

  private void leave() {
    int open = underWay.size() + waiting.size();
    if (failure == null && open > 0) {
      fail(
          new PeerLostException(
              name(),
              "%s closed its all-reduce with %d sums under way"
                  .formatted(capitalised(name()), open)));
    } else if (failure == null) {
      partners.links().forEach(link -> link.send(head(LEAVE, begun).flip()));
    }
    buffers.clear();
  }

  // ---- sums, on the endpoint's thread

  private void startWaiting() {
    while (!waiting.isEmpty() && (underWay.size() < MAX_UNDER_WAY || failure != null)) {
      Sum sum = waiting.remove();
      if (failure == null) {
        left.forEach((partner, end) -> requireBegun(partner, end, sum.id));
      }
      if (failure != null) {
        sum.fail(failure);
        continue;
      }
      begun = sum.id + 1;
      underWay.put(sum.id, sum);
      start(sum);
    }
  }

  private void start(Sum sum) {
    String theirs = shapesEarly.remove(sum.id);
    if (theirs != null && !sameShape(theirs, sum)) {
      return;
    }
    if (sum instanceof ExchangeSum exchange) {
      exchange.take(early.remove(sum.id));
      exchange.start();
    } else {
      sum.start();
      if (theirs != null) {
        sum.nextIsReady();
      }
    }
  }

  /** A sum has ended well. */
  void completed(Sum sum) {
    underWay.remove(sum.id);
    startWaiting();
  }

  private boolean sameShape(String theirs, Sum sum) {
    if (!theirs.equals(shape(sum.count, sum.kind()))) {
      fail(
          new PeerLostException(
              name(),
              "%s begins sum %d with %s, another rank with %s: all ranks must begin the same sums in the same order"
                  .formatted(capitalised(name()), sum.id, shape(sum.count, sum.kind()), theirs)));
      return false;
    }
    return true;
  }

  private static String shape(int count, String kind) {
    return String.format(Locale.ROOT, "%,d %s", count, kind);
  }

  /** A deadline has passed. */
  void expire(Sum sum, Duration deadline) {
    endpoint.execute(
        () -> {
          if (failure != null || sum.isDone()) {
            return;
          }
          Sum first =
              underWay.firstEntry().getValue(); // those behind it may only be waiting for it
          String peer = first.missing().peer();
          fail(
              new PeerLostException(
                  peer,
                  "Sum %d (%s) did not complete within %s on %s: %s %s. See the log of %s."
                      .formatted(
                          first.id,
                          shape(first.count, first.kind()),
                          shown(deadline),
                          name(),
                          peer,
                          first.waitsFor(),
                          peer)));
        });
  }

  AllReduceSettings settings() {
    return settings;
  }

  Numbers numbers() {
    return numbers;
  }

  /** The link to a rank; ranks are counted around the ring. */
  Link link(int partner) {
    return partners.link(partner);
  }

  /** A buffer for one encoded piece. */
  ByteBuffer takeBuffer() {
    ByteBuffer buffer = buffers.poll();
    return buffer != null ? buffer.clear() : ByteBuffer.allocateDirect(settings.pieceBytes());
  }

  void giveBuffer(ByteBuffer buffer) {
    buffers.add(buffer);
  }

  // ---- messages out

  private static ByteBuffer head(byte type, long id) {
    return ByteBuffer.allocate(32).put(type).putLong(id);
  }

  void sendReady(Link to, Sum sum) {
    to.send(head(READY, sum.id).putInt(sum.count).put(kindOf(sum)).flip());
  }

  void sendPiece(Link to, Sum sum, boolean reduced, int at, ByteBuffer body, Runnable released) {
    ByteBuffer head = head(PIECE, sum.id).put((byte) (reduced ? 1 : 0)).putInt(at);
    to.send(head.flip(), body, released);
  }

  /**
   * @param body null where the message is empty
   */
  void sendPart(
      Link to, Sum gather, int origin, int length, int at, ByteBuffer body, Runnable released) {
    ByteBuffer head = head(PART, gather.id).putInt(origin).putInt(length).putInt(at);
    to.send(head.flip(), body, released);
  }

  void sendNumbers(Link to, Sum sum, int tag, ByteBuffer body, Runnable released) {
    ByteBuffer head = head(NUMBERS, sum.id).putInt(sum.count).put(kindOf(sum)).put((byte) tag);
    to.send(head.flip(), body, released);
  }

  private static byte kindOf(Sum sum) {
    return (byte) sum.kind().charAt(0);
  }

  private static String shapeFrom(ByteBuffer head) {
    int count = head.getInt();
    return switch (head.get()) {
      case 'f' -> shape(count, "floats");
      case 'd' -> shape(count, "doubles");
      default -> shape(count, "bytes");
    };
  }

  // ---- messages in

  @Override
  public Endpoint.Body received(Link link, ByteBuffer head, int bodyBytes) {
    byte type = head.get();
    if (type == ABORT) {
      String culprit = text(head);
      fail(new PeerLostException(culprit, text(head)));
      return null;
    }
    long id = head.getLong();
    if (failure != null) {
      return (piece, last) -> {};
    }
    return switch (type) {
      case READY -> ready(id, shapeFrom(head));
      case PIECE -> ((RingSum) known(id)).arriving(head.get() == 1, head.getInt(), bodyBytes);
      case PART ->
          ((RingGather) known(id)).arriving(head.getInt(), head.getInt(), head.getInt(), bodyBytes);
      case NUMBERS -> numbers(id, shapeFrom(head), head.get(), bodyBytes);
      case LEAVE -> left(link, id);
      default -> throw new IllegalArgumentException("message of type " + type);
    };
  }

  private Sum known(long id) {
    Sum sum = underWay.get(id);
    if (sum == null) {
      throw new IllegalArgumentException("a piece of sum %d, which is not under way".formatted(id));
    }
    return sum;
  }

  private Endpoint.Body ready(long id, String shape) {
    Sum sum = underWay.get(id);
    if (sum == null) {
      shapesEarly.put(id, shape);
    } else if (sameShape(shape, sum)) {
      sum.nextIsReady();
    }
    return null;
  }

  private Endpoint.Body numbers(long id, String shape, int tag, int bodyBytes) {
    if (bodyBytes > MAX_EXCHANGE_BYTES || tag < 0 || tag >= ExchangePlan.tags(ranks)) {
      throw new IllegalArgumentException(
          "%,d bytes of sum %d with tag %d".formatted(bodyBytes, id, tag));
    }
    ByteBuffer numbers = ByteBuffer.allocate(bodyBytes);
    Endpoint.Body body =
        (piece, last) -> {
          numbers.put(piece);
          if (last) {
            arrived(id, shape, tag, numbers.flip());
          }
        };
    if (bodyBytes == 0) {
      arrived(id, shape, tag, numbers);
    }
    return body;
  }

  private void arrived(long id, String shape, int tag, ByteBuffer numbers) {
    Sum sum = underWay.get(id);
    if (failure != null) {
      return;
    }
    if (sum == null) {
      shapesEarly.put(id, shape);
      early.computeIfAbsent(id, i -> new ByteBuffer[ExchangePlan.tags(ranks)])[tag] = numbers;
    } else if (sameShape(shape, sum)) {
      ((ExchangeSum) sum).arrived(tag, numbers);
    }
  }

  private Endpoint.Body left(Link link, long end) {
    int partner = partners.of(link);
    left.put(partner, end);
    if (!underWay.isEmpty()) {
      requireBegun(partner, end, underWay.lastKey());
    }
    return null;
  }

  private void requireBegun(int partner, long end, long id) {
    if (end <= id) {
      fail(
          new PeerLostException(
              partners.name(partner),
              "%s closed its all-reduce after %d sums; %s has begun the next"
                  .formatted(capitalised(partners.name(partner)), end, name())));
    }
  }

  // ---- failure

  @Override
  public void lost(Link link, String reason) {
    if (!left.containsKey(partners.of(link))) {
      fail(
          new PeerLostException(
              link.peer(), "%s is lost: it %s".formatted(capitalised(link.peer()), reason)));
    }
  }

  /** The first failure is the one that counts, here and at the ranks that hear of it. */
  private void fail(PeerLostException cause) {
    if (failure != null) {
      return;
    }
    failure = cause;
    partners.fail(cause);
    ByteBuffer abort = ByteBuffer.allocate(2 * MAX_REASON_BYTES + 16).put(ABORT);
    put(abort, cause.peer());
    put(abort, cause.getMessage());
    abort.flip();
    for (Link link : partners.links()) {
      link.send(abort);
      link.close();
    }
    List.copyOf(underWay.values()).forEach(sum -> sum.fail(cause));
    underWay.clear();
    startWaiting();
    early.clear();
    shapesEarly.clear();
  }

  private static void put(ByteBuffer message, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(bytes.length, MAX_REASON_BYTES);
    message.putInt(length).put(bytes, 0, length);
  }

  private static String text(ByteBuffer message) {
    byte[] bytes = new byte[message.getInt()];
    message.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
