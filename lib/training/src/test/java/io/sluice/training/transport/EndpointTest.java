package io.sluice.training.transport;

import static io.sluice.training.transport.Heard.next;
import static io.sluice.training.transport.Heard.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.util.ResourceLeakDetector;
import io.sluice.training.Warnings;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EndpointTest {
  private static final Duration DEADLINE = Duration.ofSeconds(20);
  private static final String ZERO = "rank 0 of 2";
  private static final String ONE = "rank 1 of 2";

  private static ResourceLeakDetector.Level level;

  private final GroupKey key = GroupKey.create("run-7");
  private final Heard zero = new Heard();
  private final Heard one = new Heard();
  private Warnings warnings;

  @BeforeAll
  static void watchForLeaks() {
    level = ResourceLeakDetector.getLevel();
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
  }

  @AfterAll
  static void watchAsBefore() {
    ResourceLeakDetector.setLevel(level);
  }

  @BeforeEach
  void keepWarnings() {
    warnings = new Warnings(Endpoint.class.getPackageName());
  }

  @AfterEach
  void printWarningsAgain() {
    warnings.close();
  }

  @ParameterizedTest
  @EnumSource(value = Security.class, names = "CRYPTO_GCM", mode = EnumSource.Mode.EXCLUDE)
  void messagesArriveWholeAndInOrderWhateverSparkPutsInTheWay(Security security) throws Exception {
    try (var a = Endpoint.listen(security.settings(), ZERO, key, zero);
        var b = Endpoint.listen(security.settings(), ONE, key, one)) {
      byte[] random = new byte[3_000_001];
      new Random(5).nextBytes(random);
      ByteBuffer body = ByteBuffer.allocateDirect(random.length).put(random).flip();
      var released = new CountDownLatch(2);

      Link toZero = b.connect(a.address(), ZERO, DEADLINE);
      Link toOne = next(zero.joined);
      toZero.send(text("first"));
      toZero.send(text("second"), body, released::countDown);
      toZero.send(text("third"));
      toOne.send(text("back"), body, released::countDown);

      String bodyHeard = " + 3000001 bytes, hash " + body.hashCode();
      assertThat(next(zero.messages)).isEqualTo("rank 1 of 2: first");
      assertThat(next(zero.messages)).isEqualTo("rank 1 of 2: second" + bodyHeard);
      assertThat(next(zero.messages)).isEqualTo("rank 1 of 2: third");
      assertThat(next(one.messages)).isEqualTo("rank 0 of 2: back" + bodyHeard);
      assertThat(released.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(toZero.peer()).isEqualTo(ZERO);
      assertThat(toZero.bytesSent()).isGreaterThan(random.length).isLessThan(random.length + 200);
      assertThat(warnings.messages).isEmpty();
    }
  }

  @Test
  void aCipherThatSparkCannotUseIsRefusedBeforeAnythingHangs() {
    assertThatThrownBy(Security.CRYPTO_GCM::settings)
        .hasMessage(
            "spark.network.crypto.cipher is AES/GCM/NoPadding: with it, Spark 3.5 delivers one message per connection and no more. Use AES/CTR/NoPadding.");
  }

  @ParameterizedTest
  @EnumSource(
      value = Security.class,
      names = {"SASL", "CRYPTO_CTR"})
  void anotherSecretOfSparkIsRefused(Security security) throws Exception {
    try (var a = Endpoint.listen(security.settings(), ZERO, key, zero);
        var b =
            Endpoint.listen(security.settings("another secret, as long as that"), ONE, key, one)) {
      assertThatThrownBy(() -> b.connect(a.address(), ZERO, DEADLINE))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith(
              "rank 1 of 2 cannot link with rank 0 of 2 at " + a.address() + ": ")
          .hasMessageContaining("it and Spark here do not authenticate each other (");
      assertThat(next(warnings.messages))
          .startsWith("rank 0 of 2 refuses a connection from /127.0.0.1:");
      assertThat(zero.joined).isEmpty();
    }
  }

  @Test
  void aPeerWithoutSparksSecretIsRefused() throws Exception {
    try (var a = Endpoint.listen(Security.CRYPTO_CTR.settings(), ZERO, key, zero);
        var b = Endpoint.listen(Security.NONE.settings(), ONE, key, one)) {
      assertThatThrownBy(() -> b.connect(a.address(), ZERO, DEADLINE))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("rank 1 of 2 cannot link with rank 0 of 2 at " + a.address());
      assertThat(next(warnings.messages))
          .startsWith("rank 0 of 2 refuses a connection from /127.0.0.1:");
      assertThat(zero.joined).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Security.class,
      names = {"NONE", "SASL", "CRYPTO_CTR"})
  void strangersAreRefusedAndNobodyNotices(Security security) throws Exception {
    TransportSettings impatient = security.settings().withHandshake(Duration.ofMillis(1500));
    try (var a = Endpoint.listen(impatient, ZERO, key, zero);
        var b = Endpoint.listen(impatient, ONE, key, one)) {
      Link toZero = b.connect(a.address(), ZERO, DEADLINE);

      // a request of the web is, as Spark's frame, longer than 5 · 10^18 bytes
      assertRefused(
          a,
          "GET / HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII),
          "announced a frame of 5,135,603,447,292,250,188 bytes before it proved to belong to run"
              + " run-7; at most 4,096 are accepted");
      assertRefused(
          a,
          ByteBuffer.allocate(9).putLong(Integer.MAX_VALUE).put((byte) 3).array(),
          "announced a frame of 2,147,483,639 bytes before it proved to belong to run run-7; at most"
              + " 4,096 are accepted");
      assertRefused(
          a,
          ByteBuffer.allocate(9).putLong(100).put((byte) 0).array(),
          "sent a message of type 0 where a handshake is due");
      assertRefused(a, new byte[0], "said nothing that proves it within 1500ms");
      assertRefusedThatCloses(a);

      toZero.send(text("still here"));
      assertThat(next(zero.messages)).isEqualTo("rank 1 of 2: still here");
      assertThat(zero.lost).isEmpty();
      assertThat(one.lost).isEmpty();
      assertThat(warnings.messages).isEmpty();
    }
  }

  private void assertRefused(Endpoint endpoint, byte[] sent, String reason) throws Exception {
    try (var stranger = new Socket("127.0.0.1", endpoint.port())) {
      stranger.setSoTimeout(20_000);
      stranger.getOutputStream().write(sent);

      assertThat(next(warnings.messages))
          .isEqualTo(
              "rank 0 of 2 refuses a connection from /127.0.0.1:%d: it %s"
                  .formatted(stranger.getLocalPort(), reason));
      assertClosed(stranger);
    }
  }

  private static void assertClosed(Socket stranger) throws IOException {
    try {
      assertThat(stranger.getInputStream().read()).isEqualTo(-1);
    } catch (java.net.SocketException e) {
      assertThat(e).hasMessage("Connection reset"); // bytes were left unread
    }
  }

  private void assertRefusedThatCloses(Endpoint endpoint) throws Exception {
    int port;
    try (var stranger = new Socket("127.0.0.1", endpoint.port())) {
      port = stranger.getLocalPort();
    }
    assertThat(next(warnings.messages))
        .isEqualTo(
            "rank 0 of 2 refuses a connection from /127.0.0.1:%d: it closed the connection before it proved to belong to run run-7"
                .formatted(port));
  }

  @Test
  void anotherKeyIsRefusedByBothSides() throws Exception {
    GroupKey other = GroupKey.create("run-7");
    try (var a = Endpoint.listen(Security.NONE.settings(), ZERO, key, zero);
        var b = Endpoint.listen(Security.NONE.settings(), ONE, other, one)) {
      assertThatThrownBy(() -> b.connect(a.address(), ZERO, DEADLINE))
          .hasMessage(
              "rank 1 of 2 cannot link with rank 0 of 2 at %s: it cannot prove that it belongs to run run-7"
                  .formatted(a.address()));
      assertThat(next(warnings.messages))
          .endsWith("it closed the connection before it proved to belong to run run-7");
      assertThat(zero.joined).isEmpty();
    }
  }

  @Test
  void aProofThatIsMadeUpIsRefused() throws Exception {
    try (var a = Endpoint.listen(Security.NONE.settings(), ZERO, key, zero);
        var stranger = new Socket("127.0.0.1", a.port())) {
      stranger.setSoTimeout(20_000);
      // Spark's RPC: length of the frame, type, id of the request, length of the body
      ByteBuffer hello = new Handshake(GroupKey.create("run-7"), ONE).hello();
      ByteBuffer request = ByteBuffer.allocate(21 + hello.remaining());
      request
          .putLong(request.capacity())
          .put((byte) 3)
          .putLong(1)
          .putInt(hello.remaining())
          .put(hello);
      stranger.getOutputStream().write(request.array());
      int answered = stranger.getInputStream().read(new byte[4096]);
      stranger.getOutputStream().write(ByteBuffer.allocate(8 + 32).putInt(32).array());

      assertThat(answered).isPositive();
      assertThat(next(warnings.messages)).endsWith("it cannot prove that it belongs to run run-7");
      assertThat(zero.joined).isEmpty();
    }
  }

  @Test
  void anotherRunIsRefused() throws Exception {
    try (var a = Endpoint.listen(Security.NONE.settings(), ZERO, key, zero);
        var b = Endpoint.listen(Security.NONE.settings(), ONE, GroupKey.create("run-6"), one)) {
      assertThatThrownBy(() -> b.connect(a.address(), ZERO, DEADLINE))
          .hasMessage(
              "rank 1 of 2 cannot link with rank 0 of 2 at %s: it refused: belongs to run run-6, not to run-7"
                  .formatted(a.address()));
      assertThat(next(warnings.messages)).endsWith(": it belongs to run run-6, not to run-7");
    }
  }

  @Test
  void aNameThatIsTakenIsRefusedAndItsHolderStays() throws Exception {
    try (var a = Endpoint.listen(Security.NONE.settings(), ZERO, key, zero);
        var b = Endpoint.listen(Security.NONE.settings(), ONE, key, one);
        var c = Endpoint.listen(Security.NONE.settings(), ONE, key, new Heard())) {
      Link toZero = b.connect(a.address(), ZERO, DEADLINE);

      assertThatThrownBy(() -> c.connect(a.address(), ZERO, DEADLINE))
          .hasMessage(
              "rank 1 of 2 cannot link with rank 0 of 2 at %s: it refused: claims to be rank 1 of 2, and another connection is"
                  .formatted(a.address()));
      assertThat(next(warnings.messages))
          .endsWith(": it claims to be rank 1 of 2, and another connection is");
      toZero.send(text("still here"));
      assertThat(next(zero.messages)).isEqualTo("rank 1 of 2: still here");
    }
  }

  @Test
  void anotherMemberThanExpectedIsRefused() throws Exception {
    try (var a = Endpoint.listen(Security.NONE.settings(), ZERO, key, zero);
        var b = Endpoint.listen(Security.NONE.settings(), ONE, key, one)) {
      assertThatThrownBy(() -> b.connect(a.address(), "driver", DEADLINE))
          .hasMessage(
              "rank 1 of 2 cannot link with driver at %s: it is rank 0 of 2"
                  .formatted(a.address()));
    }
  }

  @Test
  void aServerThatSaysNothingIsGivenUp() throws Exception {
    try (var silent = new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress());
        var b = Endpoint.listen(Security.NONE.settings(), ONE, key, one)) {
      String address = "127.0.0.1:" + silent.getLocalPort();
      assertThatThrownBy(() -> b.connect(address, ZERO, Duration.ofMillis(200)))
          .hasMessage(
              "rank 1 of 2 cannot link with rank 0 of 2 at %s: it did not complete the handshake within 200ms"
                  .formatted(address));
    }
  }

  @Test
  void aMessageThatIsTooLongEndsTheLink() throws Exception {
    TransportSettings small = Security.NONE.settings().withMaxBodyBytes(1000);
    try (var a = Endpoint.listen(small, ZERO, key, zero);
        var b = Endpoint.listen(Security.NONE.settings(), ONE, key, one)) {
      Link toZero = b.connect(a.address(), ZERO, DEADLINE);
      var released = new CountDownLatch(1);

      toZero.send(text("long"), ByteBuffer.allocateDirect(1001), released::countDown);

      assertThat(next(zero.lost))
          .isEqualTo(
              "rank 1 of 2 announced a message of 4 + 1,001 bytes; at most 65,536 + 1,000 are accepted");
      assertThat(next(one.lost)).startsWith("rank 0 of 2 ");
      assertThat(released.await(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void whatWasSentBeforeCloseArrives() throws Exception {
    try (var a = Endpoint.listen(Security.NONE.settings(), ZERO, key, zero)) {
      try (var b = Endpoint.listen(Security.NONE.settings(), ONE, key, one)) {
        Link toZero = b.connect(a.address(), ZERO, DEADLINE);
        Link toOne = next(zero.joined);
        // unread bytes at b: a plain close would reset the connection and drop the last words
        toOne.send(text("much"), ByteBuffer.allocateDirect(8 << 20), null);
        toZero.send(text("last words"), ByteBuffer.allocateDirect(1 << 20), null);
        toZero.close();
      }
      assertThat(next(zero.messages)).startsWith("rank 1 of 2: last words + 1048576 bytes");
      assertThat(next(zero.lost)).isEqualTo("rank 1 of 2 closed the connection");
      assertThat(one.lost).isEmpty();
    }
  }

  @Test
  void nothingIsLeftAfterClose() throws Exception {
    Endpoint a = Endpoint.listen(Security.CRYPTO_CTR.settings(), "rank 98 of 99", key, zero);
    Endpoint b = Endpoint.listen(Security.CRYPTO_CTR.settings(), "rank 97 of 99", key, one);
    try (var stranger = new Socket("127.0.0.1", a.port())) {
      Link link = b.connect(a.address(), "rank 98 of 99", DEADLINE);
      link.send(text("much"), ByteBuffer.allocateDirect(8 << 20), null);
      assertThat(next(zero.joined).peer()).isEqualTo("rank 97 of 99");

      b.close();
      a.close();

      assertThat(stranger.getInputStream().read()).isEqualTo(-1);
    }
    for (Endpoint endpoint : new Endpoint[] {a, b}) {
      assertThat(endpoint.allocator().metric().directArenas())
          .allSatisfy(arena -> assertThat(arena.numActiveAllocations()).isZero());
    }
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.contains("of-99"));
  }

  @Test
  void aPortThatIsTakenIsNamed() throws Exception {
    try (var a = Endpoint.listen(Security.NONE.settings(), ZERO, key, zero)) {
      assertThatThrownBy(
              () -> Endpoint.listen(Security.NONE.settings().withPort(a.port()), ONE, key, one))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("rank 1 of 2 cannot listen on /127.0.0.1:" + a.port() + ": ");
    }
  }

  @Test
  void aKeyDoesNotShowItsSecret() {
    assertThat(key).hasToString("GroupKey[run-7]");
    assertThat(key).isEqualTo(new GroupKey("run-7", key.secret()));
    assertThat(key).isNotEqualTo(GroupKey.create("run-7"));
    assertThatThrownBy(() -> new GroupKey("run-7", new byte[15]))
        .hasMessage("secret has 15 bytes, expected at least 16");
  }
}
