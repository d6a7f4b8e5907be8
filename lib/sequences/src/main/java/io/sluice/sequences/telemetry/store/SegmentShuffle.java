package io.sluice.sequences.telemetry.store;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.get;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.pmod;
import static org.apache.spark.sql.functions.udf;

import io.sluice.sequences.telemetry.grid.BlockShape;
import io.sluice.sequences.telemetry.grid.Grid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.hash.Murmur3_x86_32;

/**
 * The one shuffle of a build: each usable reading goes to the block that owns its step and to those
 * whose windows reach it, and arrives there in order of part, series, block, time and arrival.
 *
 * <p>Rows stay in Spark's binary form from the scan to the step grid: nothing is boxed.
 */
public final class SegmentShuffle {
  static final int PART = 0;
  static final int SERIES = 1;
  static final int BLOCK = 2;
  static final int TICK = 3;
  static final int ARRIVAL = 4;

  /** Wide: a DOUBLE per track from here; long: INT track, then DOUBLE value. */
  static final int VALUES = 5;

  private SegmentShuffle() {}

  /**
   * Brings readings together.
   *
   * @param usable judged rows without a reason against them
   * @param values their value columns
   * @param partitions Spark partitions at most
   */
  public static JavaRDD<InternalRow> of(
      Dataset<Row> usable,
      List<String> values,
      Grid grid,
      BlockShape shape,
      PartPlan parts,
      int partitions) {
    int n = Math.max(1, Math.min(partitions, parts.parts()));
    String step = grid.stepSql("tick");
    var columns =
        new ArrayList<Column>(
            List.of(col("part"), col("series"), col("block"), col("tick"), col("arrival")));
    values.forEach(value -> columns.add(col(value)));
    var slotted = new ArrayList<>(columns);
    slotted.add(get(lit(slots(n)), pmod(col("part"), lit(n))).as("slot"));
    return usable
        .withColumn(
            "block",
            expr(
                "explode(sequence(%s, %s))"
                    .formatted(shape.firstBlockSql(grid, step), shape.lastBlockSql(grid, step))))
        .withColumn(
            "part",
            udf(new PartOf(parts), DataTypes.IntegerType)
                .asNondeterministic() // or the filter below would call it a second time
                .apply(col("series"), col("block")))
        .where("part >= 0")
        .select(slotted.toArray(Column[]::new))
        .repartition(n, col("slot"))
        .select(columns.toArray(Column[]::new))
        .sortWithinPartitions("part", "series", "block", "tick", "arrival")
        .queryExecution()
        .toRdd()
        .toJavaRDD();
  }

  /**
   * For each Spark partition p of n a number that Spark's hash sends there, so that parts are dealt
   * evenly where hashing their numbers would put several into one partition and none into another.
   */
  public static int[] slots(int n) {
    var slots = new int[n];
    Arrays.fill(slots, -1);
    int found = 0;
    for (int candidate = 0; found < n; candidate++) {
      int p = Math.floorMod(Murmur3_x86_32.hashInt(candidate, 42), n);
      if (slots[p] < 0) {
        slots[p] = candidate;
        found++;
      }
    }
    return slots;
  }

  private record PartOf(PartPlan parts) implements UDF2<String, Long, Integer> {
    @Override
    public Integer call(String series, Long block) {
      return parts.partOf(series, block);
    }
  }
}
