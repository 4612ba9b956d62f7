// The two containers of rows: PositionRing and RowPages.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "cache/position_ring.h"
#include "cache/row_pages.h"
#include "hadal/error.h"

namespace hadal {
namespace {

constexpr int64_t kRowBytes = 8;

std::vector<int64_t> rows_of(int64_t first, int64_t count) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(1000 + first + i);
  return rows;
}

void store(PositionRing& ring, int64_t first, int64_t count) {
  const std::vector<int64_t> rows = rows_of(first, count);
  ring.store(
      first, count, reinterpret_cast<const std::byte*>(rows.data()), kRowBytes);
}

int64_t value(const std::byte* row) {
  int64_t result = 0;
  std::memcpy(&result, row, sizeof(result));
  return result;
}

void expect_holds(const PositionRing& ring, int64_t begin, int64_t end) {
  EXPECT_EQ(ring.begin(), begin);
  EXPECT_EQ(ring.end(), end);
  for (int64_t p = begin; p < end; ++p) {
    EXPECT_EQ(value(ring.row(p)), 1000 + p);
    EXPECT_EQ(value(ring.data() + p % ring.capacity() * kRowBytes), 1000 + p);
  }
}

TEST(PositionRing, KeepsTheLatestPositions) {
  PagePool pool(1 << 20);
  PositionRing ring(5, kRowBytes);
  EXPECT_EQ(ring.data(), nullptr);
  ring.prepare(pool);
  store(ring, 0, 3);
  expect_holds(ring, 0, 3);
  store(ring, 3, 4);
  expect_holds(ring, 2, 7);
  store(ring, 7, 23);  // more than the ring takes
  expect_holds(ring, 25, 30);
  store(ring, 30, 0);
  expect_holds(ring, 25, 30);
  EXPECT_THROW(ring.row(24), Error);
  EXPECT_THROW(ring.row(30), Error);
}

TEST(PositionRing, CutAndContinue) {
  PagePool pool(1 << 20);
  PositionRing ring(5, kRowBytes);
  ring.prepare(pool);
  store(ring, 0, 10);
  EXPECT_TRUE(ring.holds(5, 8));
  EXPECT_FALSE(ring.holds(4, 8));
  EXPECT_TRUE(ring.holds(3, 3));  // needs nothing
  EXPECT_FALSE(ring.holds(9, 11));
  ring.truncate(8);
  expect_holds(ring, 5, 8);
  store(ring, 8, 1);
  expect_holds(ring, 5, 9);
  store(ring, 9, 2);
  expect_holds(ring, 6, 11);
  // A gap, and a position that was lost.
  EXPECT_THROW(store(ring, 12, 1), Error);
  EXPECT_THROW(store(ring, 5, 1), Error);
  ring.truncate(2);
  EXPECT_EQ(ring.begin(), 2);
  EXPECT_EQ(ring.end(), 2);
}

TEST(PositionRing, CopiesPartAtTheFirstWrite) {
  PagePool pool(1 << 20);
  PositionRing a(4, kRowBytes);
  a.prepare(pool);
  store(a, 0, 6);
  PositionRing b = a;
  EXPECT_EQ(b.data(), a.data());
  EXPECT_THROW(store(b, 6, 1), Error);  // shared, and not prepared
  b.prepare(pool);
  EXPECT_NE(b.data(), a.data());
  store(b, 6, 1);
  expect_holds(a, 2, 6);
  expect_holds(b, 3, 7);
}

TEST(PositionRing, Resizes) {
  PagePool pool(1 << 20);
  PositionRing ring(6, kRowBytes);
  ring.prepare(pool);
  store(ring, 0, 20);
  const PositionRing small = ring.resized(2, 17, pool);
  expect_holds(small, 18, 20);
  const PositionRing exact = ring.resized(3, 17, pool);
  expect_holds(exact, 17, 20);
  const PositionRing large = exact.resized(100, 0, pool);
  expect_holds(large, 17, 20);
  const PositionRing none = ring.resized(0, 20, pool);
  EXPECT_EQ(none.data(), nullptr);
  PositionRing again = none.resized(6, 20, pool);
  expect_holds(again, 20, 20);
  store(again, 20, 1);
  expect_holds(again, 20, 21);
}

TEST(PositionRing, FailedPrepareChangesNothing) {
  PagePool pool(PagePool::block_bytes(4 * kRowBytes));
  PositionRing a(4, kRowBytes);
  a.prepare(pool);
  store(a, 0, 6);
  PositionRing b = a;
  EXPECT_THROW(b.prepare(pool), Error);
  expect_holds(b, 2, 6);
}

// --- pages

const RowLayout kLayout = {RowFormat::f32, 2, 0};

void write(RowPages& rows, int64_t from, int64_t to, int64_t salt) {
  for (int64_t i = from; i < to; ++i) {
    const int64_t v = salt * 1000 + i;
    std::memcpy(rows.writable_row(i), &v, sizeof(v));
  }
}

void expect_rows(const RowPages& rows, int64_t from, int64_t to, int64_t salt) {
  const PagedRows view = rows.view();
  for (int64_t i = from; i < to; ++i) {
    const std::byte* const row =
        view.pages[i / view.rows_per_page] +
        i % view.rows_per_page * view.layout.row_bytes();
    EXPECT_EQ(value(row), salt * 1000 + i);
    EXPECT_EQ(rows.row(i), row);
  }
}

TEST(RowPages, GrowsPageByPage) {
  PagePool pool(1 << 20);
  RowPages rows(kLayout, 4);
  EXPECT_EQ(rows.page_count(), 0);
  for (int64_t n = 0; n < 30; ++n) {
    rows.prepare(pool, n, n + 1);
    write(rows, n, n + 1, 1);
    EXPECT_EQ(rows.page_count(), n / 4 + 1);
  }
  expect_rows(rows, 0, 30, 1);
  EXPECT_EQ(pool.used_bytes(), 8 * PagePool::block_bytes(32));
  rows.prepare(pool, 30, 30);  // no new row
  EXPECT_EQ(rows.page_count(), 8);
  rows.truncate(9);
  EXPECT_EQ(rows.page_count(), 3);
  EXPECT_EQ(pool.used_bytes(), 3 * PagePool::block_bytes(32));
  expect_rows(rows, 0, 9, 1);
  rows.prepare(pool, 9, 12);
  write(rows, 9, 12, 1);
  expect_rows(rows, 0, 12, 1);
  EXPECT_EQ(rows.page_count(), 3);
  rows.truncate(0);
  EXPECT_EQ(rows.page_count(), 0);
}

TEST(RowPages, OnlyTheSharedPageThatGrowsIsCopied) {
  PagePool pool(1 << 20);
  RowPages a(kLayout, 4);
  a.prepare(pool, 0, 10);
  write(a, 0, 10, 1);
  RowPages b = a;
  EXPECT_EQ(pool.used_bytes(), 3 * PagePool::block_bytes(32));
  b.prepare(pool, 10, 13);
  write(b, 10, 13, 2);
  EXPECT_EQ(pool.used_bytes(), 5 * PagePool::block_bytes(32));
  EXPECT_EQ(a.row(7), b.row(7));
  EXPECT_NE(a.row(8), b.row(8));
  // a's page is its own again: no copy.
  const std::byte* const page = a.row(8);
  a.prepare(pool, 10, 12);
  EXPECT_EQ(a.row(8), page);
  write(a, 10, 12, 3);
  expect_rows(a, 0, 10, 1);
  expect_rows(a, 10, 12, 3);
  expect_rows(b, 0, 10, 1);
  expect_rows(b, 10, 13, 2);
}

TEST(RowPages, ACutPageIsCopiedBeforeItIsOverwritten) {
  PagePool pool(1 << 20);
  RowPages a(kLayout, 4);
  a.prepare(pool, 0, 8);
  write(a, 0, 8, 1);
  RowPages b = a;
  b.truncate(5);
  b.prepare(pool, 5, 8);
  write(b, 5, 8, 2);
  expect_rows(a, 0, 8, 1);
  expect_rows(b, 0, 5, 1);
  expect_rows(b, 5, 8, 2);
  // From a page's first row on nothing has to be copied.
  RowPages c = a;
  c.truncate(4);
  c.prepare(pool, 4, 6);
  write(c, 4, 6, 3);
  expect_rows(a, 0, 8, 1);
  expect_rows(c, 4, 6, 3);
}

TEST(RowPages, FailedPrepareChangesNothing) {
  PagePool pool(3 * PagePool::block_bytes(32));
  RowPages a(kLayout, 4);
  a.prepare(pool, 0, 6);
  write(a, 0, 6, 1);
  RowPages b = a;
  EXPECT_THROW(b.prepare(pool, 6, 16), Error);
  EXPECT_EQ(b.page_count(), 2);
  expect_rows(b, 0, 6, 1);
  EXPECT_EQ(pool.used_bytes(), 2 * PagePool::block_bytes(32));
}

}  // namespace
}  // namespace hadal
