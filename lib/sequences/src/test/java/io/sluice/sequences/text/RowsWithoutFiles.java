package io.sluice.sequences.text;

import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SQLContext;
import org.apache.spark.sql.sources.BaseRelation;
import org.apache.spark.sql.sources.RelationProvider;
import org.apache.spark.sql.sources.TableScan;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.Map;

/** A Spark data source like JDBC's: two rows, of no file. */
public final class RowsWithoutFiles implements RelationProvider {
  @Override
  public BaseRelation createRelation(SQLContext sql, Map<String, String> parameters) {
    return new TwoRows(sql);
  }

  private static final class TwoRows extends BaseRelation implements TableScan {
    private final transient SQLContext sql;

    TwoRows(SQLContext sql) {
      this.sql = sql;
    }

    @Override
    public SQLContext sqlContext() {
      return sql;
    }

    @Override
    public StructType schema() {
      return new StructType().add("name", DataTypes.StringType).add("body", DataTypes.StringType);
    }

    @Override
    public RDD<Row> buildScan() {
      List<Row> rows =
          List.of(RowFactory.create("n0", "text 0"), RowFactory.create("n1", "text 1"));
      return JavaSparkContext.fromSparkContext(sql.sparkContext()).parallelize(rows).rdd();
    }
  }
}
