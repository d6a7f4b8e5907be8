package io.sluice.training.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.training.transport.GroupKey;
import io.sluice.training.transport.Security;
import io.sluice.training.transport.TransportSettings;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class AllReduceTest {
  private static final TransportSettings LOCAL = Security.NONE.settings();
  private static final AllReduceSettings DEFAULT = AllReduceSettings.DEFAULT;

  /** Small pieces around the ring whatever the length. */
  private static final AllReduceSettings RING = DEFAULT.withRingBytes(0).withPieceBytes(4096);

  private static final AllReduceSettings EXCHANGE = DEFAULT.withRingBytes(1 << 20);

  private static float[] gradient(int rank, int length) {
    var random = new Random(1000L * length + rank);
    float[] numbers = new float[length];
    for (int i = 0; i < length; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  private static float[] sum(AllReduce rank, float[] numbers) throws InterruptedException {
    ByteBuffer memory = Ranks.memory(numbers);
    rank.sum(memory).await(Ranks.DEADLINE);
    return Ranks.numbers(memory);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 8})
  void sumsAreThoseOfFloat64AndTheSameToTheBitOnAllRanksAndInAllRuns(int count) throws Exception {
    for (AllReduceSettings settings : List.of(RING, EXCHANGE, DEFAULT)) {
      List<float[]> firstRun = new ArrayList<>();
      for (int run = 0; run < 2; run++) {
        try (Ranks ranks = Ranks.join(LOCAL, count, settings)) {
          int[] lengths = {
            0, 1, 7, count - 1, count, 1500, settings == DEFAULT ? 1_000_000 : 70_001
          };
          for (int length : lengths) {
            List<float[]> sums = ranks.all(rank -> sum(rank, gradient(rank.rank(), length)));

            assertThat(sums).allSatisfy(sum -> assertThat(sum).isEqualTo(sums.get(0)));
            assertIsSum(sums.get(0), count, length);
            if (run == 0) {
              firstRun.add(sums.get(0));
            } else {
              assertThat(sums.get(0)).isEqualTo(firstRun.remove(0));
            }
          }
        }
      }
    }
  }

  private static void assertIsSum(float[] sum, int count, int length) {
    double[] expected = new double[length];
    double[] magnitude = new double[length];
    for (int rank = 0; rank < count; rank++) {
      float[] numbers = gradient(rank, length);
      for (int i = 0; i < length; i++) {
        expected[i] += numbers[i];
        magnitude[i] += Math.abs(numbers[i]);
      }
    }
    for (int i = 0; i < length; i++) {
      // each of the count - 1 additions rounds a partial sum by up to half a unit in the last place
      double bound = (count - 1) * magnitude[i] * 0x1p-24;
      if (!(Math.abs(sum[i] - expected[i]) <= bound)) {
        throw new AssertionError(
            "sum[%d] of %d ranks is %s, expected %s ± %s"
                .formatted(i, count, sum[i], expected[i], bound));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 8})
  void aFewDoublesAreSummedTheSameOnAllRanks(int count) throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, count, DEFAULT)) {
      List<double[]> sums =
          ranks.all(rank -> rank.sum(new double[] {0.1 + rank.rank(), 1e-300 * rank.rank(), 1}));

      assertThat(sums).allSatisfy(sum -> assertThat(sum).isEqualTo(sums.get(0)));
      double ranksSum = count * (count - 1) / 2;
      assertThat(sums.get(0)[0]).isCloseTo(0.1 * count + ranksSum, within(1e-13));
      assertThat(sums.get(0)[1]).isCloseTo(1e-300 * ranksSum, within(1e-313));
      assertThat(sums.get(0)[2]).isEqualTo(count);
      assertThat(ranks.all(rank -> rank.sum(new double[0])))
          .allSatisfy(sum -> assertThat(sum).isEmpty());
    }
  }

  @Test
  void manySumsAreUnderWayWhileARankHasNotBegunThem() throws Exception {
    int buckets = 80; // more than may be under way at a time
    try (Ranks ranks = Ranks.join(LOCAL, 3, DEFAULT.withPieceBytes(4096))) {
      var othersHaveBegun = new CountDownLatch(2);

      List<List<float[]>> sums =
          ranks.all(
              rank -> {
                if (rank.rank() == 2) {
                  othersHaveBegun.await();
                }
                var memories = new ArrayList<ByteBuffer>();
                var pending = new ArrayList<AllReduce.Pending>();
                for (int bucket = 0; bucket < buckets; bucket++) {
                  ByteBuffer memory = Ranks.memory(gradient(rank.rank(), length(bucket)));
                  memories.add(memory);
                  pending.add(rank.sum(memory));
                }
                othersHaveBegun.countDown();
                for (AllReduce.Pending sum : pending) {
                  sum.await(Ranks.DEADLINE);
                }
                return memories.stream().map(Ranks::numbers).toList();
              });

      for (int bucket = 0; bucket < buckets; bucket++) {
        assertIsSum(sums.get(0).get(bucket), 3, length(bucket));
        assertThat(sums.get(1).get(bucket)).isEqualTo(sums.get(0).get(bucket));
        assertThat(sums.get(2).get(bucket)).isEqualTo(sums.get(0).get(bucket));
      }
    }
  }

  private static int length(int bucket) {
    return bucket % 3 == 0 ? 10 + bucket : bucket % 3 == 1 ? 5_000 + bucket : 40_000 + bucket;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void bytesOnTheWireAreWithinTwoPercentOfTheLeastThereIs(int count) throws Exception {
    int length = 1 << 20;
    double bound = 2.0 * (count - 1) / count * length * Float.BYTES;
    try (Ranks f32 = Ranks.join(LOCAL, count, DEFAULT);
        Ranks bf16 = Ranks.join(LOCAL, count, DEFAULT.withWire(WireFormat.BF16))) {
      assertThat(f32.all(rank -> bytesOf(rank, length)))
          .allSatisfy(bytes -> assertThat(bytes / bound).isBetween(0.99, 1.02));
      assertThat(bf16.all(rank -> bytesOf(rank, length)))
          .allSatisfy(bytes -> assertThat(bytes / bound).isBetween(0.495, 0.51));
    }
  }

  private static double bytesOf(AllReduce rank, int length) throws InterruptedException {
    long before = rank.bytesSent();
    sum(rank, gradient(rank.rank(), length));
    return rank.bytesSent() - before;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void bf16OnTheWireIsTheSameToTheBitOnAllRanksAndNearTheSum(int count) throws Exception {
    int length = 100_003;
    try (Ranks ranks = Ranks.join(LOCAL, count, RING.withWire(WireFormat.BF16))) {
      List<float[]> sums = ranks.all(rank -> sum(rank, gradient(rank.rank(), length)));

      assertThat(sums).allSatisfy(sum -> assertThat(sum).isEqualTo(sums.get(0)));
      for (int i = 0; i < length; i++) {
        double expected = 0;
        double magnitude = 0;
        for (int rank = 0; rank < count; rank++) {
          float x = gradientOf(rank, length)[i];
          expected += x;
          magnitude += Math.abs(x);
        }
        // one rounding to 8 bits for each hop of the reduce phase, and one for the sum
        assertThat((double) sums.get(0)[i]).isCloseTo(expected, within(count * magnitude * 0x1p-8));
      }
    }
  }

  private final List<float[]> gradients = new ArrayList<>();

  private float[] gradientOf(int rank, int length) {
    while (gradients.size() <= rank) {
      gradients.add(gradient(gradients.size(), length));
    }
    return gradients.get(rank);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5})
  void messagesOfAnyLengthReachAllRanksInTheOrderOfRanks(int count) throws Exception {
    int[][] lengths = {{0, 0, 0, 0, 0}, {7, 0, 20_000, 4096, 1}, {0, 12_289, 3, 0, 60_000}};
    try (Ranks ranks = Ranks.join(LOCAL, count, RING)) {
      for (int[] round : lengths) {
        List<List<byte[]>> all =
            ranks.all(rank -> gathered(rank, message(rank.rank(), round[rank.rank()]), 60_000));

        for (List<byte[]> messages : all) {
          assertThat(messages).hasSize(count);
          for (int origin = 0; origin < count; origin++) {
            assertThat(messages.get(origin)).isEqualTo(message(origin, round[origin]));
          }
        }
      }
    }
  }

  private static byte[] message(int rank, int length) {
    byte[] message = new byte[length];
    new Random(1000L * length + rank).nextBytes(message);
    return message;
  }

  private static List<byte[]> gathered(AllReduce rank, byte[] own, int maxBytes)
      throws InterruptedException {
    AllReduce.Gathering gathering = rank.gather(ByteBuffer.wrap(own), maxBytes);
    gathering.await(Ranks.DEADLINE);
    return gathering.messages().stream()
        .map(
            message -> {
              byte[] bytes = new byte[message.remaining()];
              message.get(bytes);
              return bytes;
            })
        .toList();
  }

  @Test
  void gathersAndSumsAreUnderWayTogetherWhileARankHasNotBegunThem() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 3, RING)) {
      var othersHaveBegun = new CountDownLatch(2);

      List<List<ByteBuffer>> all =
          ranks.all(
              rank -> {
                if (rank.rank() == 2) {
                  othersHaveBegun.await();
                }
                ByteBuffer memory = Ranks.memory(gradient(rank.rank(), 30_000));
                AllReduce.Gathering first =
                    rank.gather(ByteBuffer.wrap(message(rank.rank(), 10_000)), 10_000);
                AllReduce.Pending sum = rank.sum(memory);
                AllReduce.Gathering second =
                    rank.gather(ByteBuffer.wrap(message(rank.rank(), 50)), 10_000);
                othersHaveBegun.countDown();
                second.await(Ranks.DEADLINE);
                sum.await(Ranks.DEADLINE);
                first.await(Ranks.DEADLINE);
                return List.of(first.messages().get(2), memory, second.messages().get(1));
              });

      for (List<ByteBuffer> rank : all) {
        assertThat(rank.get(0)).isEqualTo(ByteBuffer.wrap(message(2, 10_000)));
        assertIsSum(Ranks.numbers(rank.get(1)), 3, 30_000);
        assertThat(rank.get(2)).isEqualTo(ByteBuffer.wrap(message(1, 50)));
      }
    }
  }

  @Test
  void aGatherCostsEachRankTheMessagesOfAllOthers() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 4, DEFAULT)) {
      List<Long> sent =
          ranks.all(
              rank -> {
                long before = rank.bytesSent();
                gathered(rank, message(rank.rank(), 1 << 20), 1 << 20);
                return rank.bytesSent() - before;
              });

      assertThat(sent)
          .allSatisfy(bytes -> assertThat(bytes / (3.0 * (1 << 20))).isBetween(1.0, 1.02));
    }
  }

  @Test
  void aGatherThatIsNotTheSameOnAllRanksIsTold() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 2, DEFAULT)) {
      assertThatThrownBy(
              () -> ranks.all(rank -> gathered(rank, new byte[0], rank.rank() == 0 ? 100 : 200)))
          .isInstanceOf(PeerLostException.class)
          .hasMessageMatching(
              "Rank [01] of 2 begins sum 0 with [12]00 bytes, another rank with [12]00 bytes: all ranks must begin the same sums in the same order");
    }
    try (Ranks ranks = Ranks.join(LOCAL, 1, DEFAULT)) {
      assertThatThrownBy(() -> ranks.ranks.get(0).gather(ByteBuffer.allocate(9), 8))
          .hasMessage("message has 9 bytes, expected at most 8");
    }
  }

  @Test
  void bf16RoundsToNearestEvenAndKeepsWhatIsNoNumber() {
    assertThat(roundTrip(1f)).isEqualTo(1f);
    assertThat(roundTrip(1f + 0x1p-8f)).isEqualTo(1f); // tie, to even
    assertThat(roundTrip(1f + 3 * 0x1p-8f)).isEqualTo(1f + 0x1p-6f); // tie, to even
    assertThat(roundTrip(1f + 0x1p-8f + 0x1p-20f)).isEqualTo(1f + 0x1p-7f);
    assertThat(roundTrip(-0f)).isEqualTo(-0f);
    assertThat(roundTrip(Float.MAX_VALUE)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(roundTrip(Float.NEGATIVE_INFINITY)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(roundTrip(Float.intBitsToFloat(0x7FFFFFFF))).isNaN();
    assertThat(roundTrip(Float.intBitsToFloat(0x7F800001))).isNaN();
  }

  private static float roundTrip(float x) {
    return Float.intBitsToFloat(Numbers.toBf16(x) << 16);
  }

  @ParameterizedTest
  @EnumSource(
      value = Security.class,
      names = {"SASL_ENCRYPTED", "CRYPTO_CTR"})
  void sumsAreTheSameOverConnectionsThatSparkAuthenticates(Security security) throws Exception {
    try (Ranks ranks = Ranks.join(security.settings(), 3, DEFAULT)) {
      List<float[]> sums = ranks.all(rank -> sum(rank, gradient(rank.rank(), 300_000)));

      assertThat(sums).allSatisfy(sum -> assertThat(sum).isEqualTo(sums.get(0)));
      assertIsSum(sums.get(0), 3, 300_000);
    }
  }

  @Test
  void allRanksLearnWhyOneFailedEvenThoseItIsNotLinkedWith() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 6, DEFAULT)) {
      var waiting = new ArrayList<Future<float[]>>();
      for (int rank = 0; rank < 5; rank++) {
        waiting.add(ranks.begin(rank, own -> sum(own, gradient(own.rank(), 100_000))));
      }

      ranks.ranks.get(5).abort("No space left on device");

      for (Future<float[]> sum : waiting) {
        assertThatThrownBy(() -> Ranks.get(sum))
            .isInstanceOf(PeerLostException.class)
            .hasMessage("Rank 5 of 6 failed: No space left on device")
            .extracting(e -> ((PeerLostException) e).peer())
            .isEqualTo("rank 5 of 6");
      }
      assertThatThrownBy(() -> ranks.ranks.get(0).sum(new double[1]))
          .hasMessage("Rank 5 of 6 failed: No space left on device");
    }
  }

  @Test
  void aRankThatDoesNotBeginIsNamedWhenTheDeadlinePasses() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 2, DEFAULT)) {
      ranks.all(rank -> rank.sum(new double[0]));

      AllReduce.Pending late = ranks.ranks.get(0).sum(Ranks.memory(new float[100_000]));

      assertThatThrownBy(() -> late.await(Duration.ofMillis(50)))
          .isInstanceOf(PeerLostException.class)
          .hasMessage(
              "Sum 1 (100,000 floats) did not complete within 50ms on rank 0 of 2: rank 1 of 2 has not begun it. See the log of rank 1 of 2.");
      assertThatThrownBy(() -> ranks.ranks.get(1).sum(new double[] {1}))
          .hasMessageStartingWith("Sum 1 (100,000 floats) did not complete within 50ms");
      assertThat(late.isDone()).isTrue();
    }
  }

  @Test
  void ranksThatBeginDifferentSumsAreTold() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 2, DEFAULT)) {
      assertThatThrownBy(
              () -> ranks.all(rank -> sum(rank, gradient(0, rank.rank() == 0 ? 100_000 : 100_001))))
          .isInstanceOf(PeerLostException.class)
          .hasMessageMatching(
              "Rank [01] of 2 begins sum 0 with 100,00[01] floats, another rank with 100,00[01] floats: all ranks must begin the same sums in the same order");
    }
  }

  @Test
  void aRankThatIsDoneMayLeaveBeforeTheOthersAre() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 5, DEFAULT)) {
      for (int length : new int[] {10, 200_000}) {
        List<float[]> sums = ranks.all(rank -> sum(rank, gradient(rank.rank(), length)));
        assertIsSum(sums.get(4), 5, length);
      }
      List<float[]> last =
          ranks.all(
              rank -> {
                float[] sum = sum(rank, gradient(rank.rank(), 300_000));
                if (rank.rank() != 3) {
                  rank.close();
                }
                return sum;
              });

      assertIsSum(last.get(3), 5, 300_000);
      assertThatThrownBy(() -> sum(ranks.ranks.get(3), new float[3]))
          .isInstanceOf(PeerLostException.class)
          .hasMessageMatching(
              "Rank [0-4] of 5 closed its all-reduce after 3 sums; rank 3 of 5 has begun the next");
    }
  }

  @Test
  void closingWithSumsUnderWayFailsThemEverywhere() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 2, DEFAULT)) {
      AllReduce.Pending pending = ranks.ranks.get(0).sum(Ranks.memory(new float[100_000]));
      ranks.ranks.get(0).close();

      assertThatThrownBy(() -> pending.await(Ranks.DEADLINE))
          .hasMessage("Rank 0 of 2 closed its all-reduce with 1 sums under way");
      assertThatThrownBy(() -> sum(ranks.ranks.get(1), new float[100_000]))
          .hasMessage("Rank 0 of 2 closed its all-reduce with 1 sums under way");
    }
  }

  @Test
  void anInterruptedRankAbortsAndLetsGoOfItsArray() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 2, DEFAULT)) {
      AllReduce.Pending pending = ranks.ranks.get(0).sum(Ranks.memory(new float[100_000]));
      Thread.currentThread().interrupt();

      assertThatThrownBy(() -> pending.await(Ranks.DEADLINE))
          .isInstanceOf(InterruptedException.class);
      assertThat(pending.isDone()).isTrue();
      assertThatThrownBy(() -> sum(ranks.ranks.get(1), new float[100_000]))
          .hasMessage("Rank 0 of 2 failed: its thread was interrupted");
    }
  }

  @Test
  void aRankThatDoesNotComeIsNamed() throws Exception {
    GroupKey key = GroupKey.create("run-7");
    try (var zero = Rendezvous.open(LOCAL, 0, 4, key, DEFAULT);
        var one = Rendezvous.open(LOCAL, 1, 4, key, DEFAULT);
        var two = Rendezvous.open(LOCAL, 2, 4, key, DEFAULT);
        var three = Rendezvous.open(LOCAL, 3, 4, key, DEFAULT)) {
      List<String> addresses =
          List.of(zero.address(), one.address(), two.address(), three.address());

      assertThatThrownBy(() -> zero.join(addresses, Duration.ofMillis(100)))
          .isInstanceOf(PeerLostException.class)
          .hasMessage(
              "Rank 1 of 4 did not connect to rank 0 of 4 within 100ms (joined: none; missing: 1, 2, 3). See the logs of the missing ranks; allow more time if they start slowly.");
    }
  }

  @Test
  void aRankThatIsGoneBeforeItJoinedIsNamed() throws Exception {
    GroupKey key = GroupKey.create("run-7");
    try (var zero = Rendezvous.open(LOCAL, 0, 2, key, DEFAULT);
        var one = Rendezvous.open(LOCAL, 1, 2, key, DEFAULT)) {
      List<String> addresses = List.of(zero.address(), one.address());
      zero.close();

      assertThatThrownBy(() -> one.join(addresses, Ranks.DEADLINE))
          .isInstanceOf(PeerLostException.class)
          .hasMessageStartingWith(
              "Rank 1 of 2 cannot link with rank 0 of 2 at %s: ".formatted(zero.address()))
          .hasMessageContaining("Connection refused");
    }
  }

  @Test
  void arraysThatCannotBeSentFromAreRefused() throws Exception {
    try (Ranks ranks = Ranks.join(LOCAL, 1, DEFAULT)) {
      AllReduce alone = ranks.ranks.get(0);
      assertThatThrownBy(() -> alone.sum(ByteBuffer.allocate(8)))
          .hasMessage("array has 8 bytes, on the heap; expected direct memory and a multiple of 4");
      assertThatThrownBy(() -> alone.sum(ByteBuffer.allocateDirect(7)))
          .hasMessage("array has 7 bytes, direct; expected direct memory and a multiple of 4");
    }
  }
}
